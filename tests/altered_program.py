"""memleax with one of its ways closed, so that a fallback is taken. MEMLEAX_ALTERED says which; run as memleax.py is.

    entry-traps     no prologue takes a jump: every hook is an int3 at the entry
    no-tails        no segment has room: stubs go into a page mapped in the target
    leave-stubs     at the end every stub area counts as in use
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import memleax
import monitor
import trampoline

WAY = os.environ.get('MEMLEAX_ALTERED')
if WAY == 'entry-traps':
    plan_prologue = trampoline.plan_prologue

    def refuse_jumps(code, size, jump_size=trampoline.JUMP_SIZE, padding=b''):
        if jump_size != trampoline.TRAP_SIZE:
            raise trampoline.CannotMove('jumps are closed')
        return plan_prologue(code, size, jump_size, padding)

    trampoline.plan_prologue = refuse_jumps
elif WAY == 'no-tails':
    monitor.HookPlan.tail_of = lambda plan, module: None
elif WAY == 'leave-stubs':
    monitor.LINGER = 0.0
    monitor.TrapEngine._used_areas = lambda engine, late: set(engine.plan.areas)
else:
    sys.exit('altered_program.py: which way?')

memleax.main()
