/*
 * Containers, strings, shared pointers and exceptions in several threads, with leaks by new and new[].
 *
 *   cxx [THREADS]
 *
 * "go N": N rounds a thread, 5 leaks by new of 120 bytes and 3 by new[] of 264 bytes in all, then
 * "done ROUNDS CAUGHT ERRORS LEAKS1 LEAKS2"; containers are empty again by then.  "quit".
 */
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>
extern "C" {
#include "common.h"
}

struct Thing { char bytes[120]; };
struct Refused : std::runtime_error { explicit Refused(const std::string &why) : std::runtime_error(why) {} };

static std::atomic<long> rounds, caught, errors, things, rows;
static std::mutex gate;
static std::condition_variable changed;
static int generation, idle;
static long goal;

NOINLINE static void leak_thing()
{
    Thing *volatile p = new Thing;
    (void)p;
}

NOINLINE static void leak_row()
{
    long *volatile p = new long[33];
    (void)p;
}

NOINLINE static long deep(const std::map<int, std::string> &m, int level)
{
    std::vector<int> held(static_cast<size_t>(level) + 1, level);
    if (level == 0)
        throw Refused(m.begin()->second + " was refused, and this text is longer than any small string");
    long sum = deep(m, level - 1);
    BARRIER();
    return sum + held[0];
}

static void one_round(int n)
{
    std::map<int, std::string> m;
    for (int i = 0; i < 12; i++)
        m[i * 7 % 13] = std::string(static_cast<size_t>(10 + (n + i) % 40), static_cast<char>('a' + i));
    std::list<std::shared_ptr<std::string>> l;
    for (auto &x : m)
        l.push_back(std::make_shared<std::string>(x.second));
    std::unordered_map<std::string, std::vector<int>> u;
    for (auto &x : l)
        u[*x].push_back(n);
    size_t total = 0;
    for (auto &x : u)
        total += x.second.size();
    if (total != m.size())
        errors++;
    try {
        deep(m, n % 9);
        errors++;
    } catch (const Refused &r) {
        caught++;
        if (std::string(r.what()).find("refused") == std::string::npos)
            errors++;
    }
    try {
        volatile size_t huge = ~size_t(0) / 4;
        void *volatile p = operator new(huge);
        errors++;
        operator delete(p);
    } catch (const std::bad_alloc &) {
        caught++;
    }
    rounds++;
}

static void work()
{
    for (int seen = 0; ; ) {
        {
            std::unique_lock<std::mutex> lock(gate);
            idle++;
            changed.notify_all();
            changed.wait(lock, [&] { return generation != seen; });
            seen = generation;
        }
        for (long i = 0; i < goal; i++) {
            one_round(static_cast<int>(i));
            if (i % 3 == 1) {
                if (things.fetch_sub(1) > 0)
                    leak_thing();
                if (rows.fetch_sub(1) > 0)
                    leak_row();
            }
        }
    }
}

int main(int argc, char **argv)
{
    char line[128];
    int threads = argc > 1 ? atoi(argv[1]) : 3;
    std::vector<std::thread> pool;
    for (int i = 0; i < threads; i++)
        pool.emplace_back(work);
    {
        std::unique_lock<std::mutex> lock(gate);
        changed.wait(lock, [&] { return idle == threads; });
    }
    ready(0);
    while (hear(line, sizeof line)) {
        if (!strncmp(line, "go ", 3)) {
            std::unique_lock<std::mutex> lock(gate);
            goal = atol(line + 3);
            things = 5;
            rows = 3;
            idle = 0;
            generation++;
            changed.notify_all();
            changed.wait(lock, [&] { return idle == threads; });
            say("done %ld %ld %ld %d %d\n", rounds.load(), caught.load(), errors.load(), 5, 3);
        } else
            _exit(errors ? 1 : 0);
    }
    _exit(0);
}
