"""The two platform modules stand behind one set of names: the same public functions, classes, methods, signatures."""

import ast
import os
import unittest

import support

MODULES = ('platform_linux', 'platform_freebsd')
# what a system's own records and constants are called is its own affair
OWN = ('parse_',)


def parsed(name):
    with open(os.path.join(support.ROOT, name + '.py'), encoding='utf-8') as file:
        return ast.parse(file.read())


def signature(arguments):
    """A function's arguments as comparable text: names in order but self, and the defaults' values or names."""
    names = [item.arg for item in arguments.args]
    others = [item.arg for item in (arguments.vararg, arguments.kwarg) if item is not None]
    return names[names[:1] == ['self']:], others, [ast.dump(item) for item in arguments.defaults]


def public(tree):
    """{name: what it is} of a module's public functions and classes; methods as Class.name."""
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith(('_',) + OWN):
            found[node.name] = signature(node.args)
        elif isinstance(node, ast.ClassDef) and not node.name.startswith('_'):
            found[node.name] = [ast.dump(base) for base in node.bases]
            for member in methods(node):
                found['%s.%s' % (node.name, member.name)] = signature(member.args)
    return found


def methods(node):
    """The functions of a class that others may call: those of its body, and those that its functions put into self."""
    inner = {function.name: function for member in node.body if isinstance(member, ast.FunctionDef)
             for function in member.body if isinstance(function, ast.FunctionDef)}
    for item in ast.walk(node):
        if isinstance(item, ast.Attribute) and isinstance(item.ctx, ast.Store) and item.attr in inner:
            yield inner[item.attr]
    for member in node.body:
        if isinstance(member, ast.FunctionDef) and (member.name == '__init__' or not member.name.startswith('_')):
            if not any(isinstance(item, ast.Name) and item.id == 'property' for item in member.decorator_list):
                yield member                # else it is an attribute


def assigned(tree):
    """The names that a module assigns at its top."""
    names = set()
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        for target in targets:
            names.update(item.id for item in ast.walk(target) if isinstance(item, ast.Name))
    return names


def used(tree, module='platform'):
    """The attributes of `platform` that a module reads."""
    return {node.attr for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module}


def tracer_attributes(tree):
    """The attributes that a module reads of what it calls tracer or self.tracer."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            value = node.value
            if isinstance(value, ast.Name) and value.id == 'tracer' \
                    or isinstance(value, ast.Attribute) and value.attr == 'tracer':
                found.add(node.attr)
    return found


def texts(tree):
    """The string constants of a module but its docstrings and the fields of named tuples."""
    documentation = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and isinstance(node.body[0], ast.Expr):
            documentation.add(id(node.body[0].value))
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute) \
                and node.targets[0].attr == '__doc__':
            documentation.add(id(node.value))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'namedtuple':
            documentation.update(id(argument) for argument in node.args)
    for node in ast.walk(tree):
        # Str until Python 3.7
        value = getattr(node, {'Constant': 'value', 'Str': 's'}.get(type(node).__name__, ''), None)
        if isinstance(value, str) and id(node) not in documentation:
            yield value


class Texts(unittest.TestCase):
    """What is said to people is in the terms of the system that they sit at."""

    LINUX = ('pgrep -a', '/proc/', 'ptrace_scope', 'Yama', 'setcap', 'CAP_', 'capabilit', 'seccomp', 'perf,', 'bpftrace',
             'SystemTap', 'systemd', 'glibc', 'apt', 'cgroup', 'container', 'SELinux')
    FREEBSD = ('pgrep -l', 'sysctl', 'procctl', 'securelevel', 'DTrace', 'jail', 'pkg ')

    def found(self, name, words):
        return [(word, text) for text in texts(parsed(name)) for word in words
                if word in text and ' ' in text]     # an identifier is nothing that is said

    def test_the_common_modules_know_neither_systems_words(self):
        for name in ('memleax', 'monitor', 'recorder', 'trampoline', 'unwinder', 'elfreader', 'dwarfline'):
            self.assertEqual(self.found(name, self.LINUX + self.FREEBSD), [], name)

    def test_the_platforms_know_their_own(self):
        self.assertGreater(len(self.found('platform_linux', self.LINUX)), 5)       # the comparison sees something
        self.assertGreater(len(self.found('platform_freebsd', self.FREEBSD)), 5)
        self.assertEqual(self.found('platform_linux', self.FREEBSD), [])
        self.assertEqual(self.found('platform_freebsd', self.LINUX), [])


class Names(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        cls.linux, cls.freebsd = (parsed(name) for name in MODULES)

    def test_functions_classes_and_methods_agree(self):
        linux, freebsd = public(self.linux), public(self.freebsd)
        self.assertGreater(len(linux), 40)          # the comparison sees something
        for name in ('check_target', 'Tracer', 'Tracer.resume', 'PlatformError.__init__', 'mappings'):
            self.assertIn(name, linux)
        self.assertEqual(set(linux) ^ set(freebsd), set(), 'only in one of the two')
        for name, value in linux.items():
            self.assertEqual(value, freebsd[name], name)

    def test_named_tuples_agree(self):
        for name in ('Mapping', 'Target'):
            fields = []
            for tree in (self.linux, self.freebsd):
                call = next(node.value for node in tree.body if isinstance(node, ast.Assign)
                            and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name)
                fields.append(ast.literal_eval(call.args[1]))
            self.assertEqual(fields[0], fields[1], name)

    def test_everything_the_program_uses_is_in_both(self):
        for tree, name in ((self.linux, MODULES[0]), (self.freebsd, MODULES[1])):
            there = set(public(tree)) | assigned(tree)
            for user in ('monitor', 'memleax'):
                self.assertEqual(used(parsed(user)) - there, set(), '%s uses what %s lacks' % (user, name))

    def test_everything_used_of_a_tracer_is_in_both(self):
        wanted = tracer_attributes(parsed('monitor'))
        self.assertIn('stop_all', wanted)
        for tree, name in ((self.linux, MODULES[0]), (self.freebsd, MODULES[1])):
            there = {item.split('.')[1] for item in public(tree) if item.startswith('Tracer.')}
            cls = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == 'Tracer')
            there.update(node.attr for node in ast.walk(cls) if isinstance(node, ast.Attribute)
                         and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name))
            self.assertEqual(wanted - there, set(), name)

    def test_the_kinds_of_events_agree(self):
        values = []
        for tree in (self.linux, self.freebsd):
            values.append({node.targets[0].id: ast.literal_eval(node.value) for node in tree.body
                           if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
                           and node.targets[0].id in ('TRAP', 'SIGNAL', 'STOP', 'NEW', 'FORKED', 'EXEC', 'GONE')})
        self.assertEqual(len(values[0]), 7)
        self.assertEqual(values[0], values[1])

    def test_nothing_but_monitor_asks_which_system_it_is(self):
        asking = []
        for name in sorted(os.listdir(support.ROOT)):
            if name.endswith('.py'):
                for node in ast.walk(parsed(name[:-3])):
                    if isinstance(node, ast.Attribute) and node.attr == 'platform' \
                            and isinstance(node.value, ast.Name) and node.value.id == 'sys':
                        asking.append(name)
        self.assertEqual(asking, ['monitor.py'])


if __name__ == '__main__':
    unittest.main()
