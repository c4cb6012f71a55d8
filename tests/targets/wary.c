/*
 * On command it watches for a tracer, and runs itself anew, or ends by SIGKILL, as soon as there is one.
 *
 *   wary
 *
 * "exec US", "thread US", "kill US": from now on ("ok"), so many microseconds after the tracer came; exec is
 * called by the first thread or by another.  The new program says "execed PID", and watches when told to.
 * Anything else: "alive PAIRS ERRORS".  "quit".
 */
#include "common.h"

static volatile uint64_t pairs, errors;
static const char *path;
static char way;
static unsigned delay;

static void *allocate(void *argument)
{
    (void)argument;
    arrive();
    for (unsigned i = 0; ; i++) {
        unsigned char *p = malloc(80);
        fill(p, 80, i);
        BARRIER();
        if (!intact(p, 80, i))
            errors++;
        free(p);
        pairs++;
        nap_us(200);
    }
    return NULL;
}

static int traced(void)
{
    char text[2048];
    int fd = open("/proc/self/status", O_RDONLY);
    ssize_t size = read(fd, text, sizeof text - 1);
    close(fd);
    text[size > 0 ? size : 0] = 0;
    const char *line = strstr(text, "TracerPid:");
    return line && atoi(line + strlen("TracerPid:")) != 0;
}

static void *watch(void *argument)
{
    (void)argument;
    while (!traced())
        ;
    for (uint64_t end = now_ns() + delay * 1000u; now_ns() < end; )
        ;
    if (way == 'k')
        kill(getpid(), SIGKILL);
    execl(path, path, "again", (char *)NULL);
    _exit(9);
}

int main(int argc, char **argv)
{
    char line[128], word[16];
    pthread_t t;
    path = argv[0];
    for (int i = 0; i < 2; i++)
        pthread_create(&t, NULL, allocate, NULL);
    if (argc > 1) {
        prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
        say("execed %d\n", (int)getpid());
    } else
        ready(2);
    while (hear(line, sizeof line) && strcmp(line, "quit")) {
        if (sscanf(line, "%15s %u", word, &delay) == 2) {
            way = word[0];
            say("ok\n");
            if (way == 'e')
                watch(NULL);
            pthread_create(&t, NULL, watch, NULL);
        } else
            say("alive %llu %llu\n", (unsigned long long)pairs, (unsigned long long)errors);
    }
    return 0;
}
