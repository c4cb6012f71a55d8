/*
 * A command whose constructor, before main, takes its time or has a child.
 *
 *   slowstart wait FIFO     it says "in" through the FIFO, and goes on when somebody opens it for writing
 *   slowstart spawn         it runs a program and waits for it (system(3))
 *   slowstart fork          it forks, and waits for the child
 *
 * main mallocs and frees, and says "main ended ERRORS"; the exit status is 7.
 */
#include "common.h"

static int bad;

__attribute__((constructor)) static void begin(int argc, char **argv)
{
    int status = -1;
    if (argc > 2 && !strcmp(argv[1], "wait")) {
        int fd = open(argv[2], O_WRONLY);
        if (fd < 0 || write(fd, "in\n", 3) != 3)
            _exit(2);
        close(fd);
        fd = open(argv[2], O_RDONLY);                   /* blocks until there is a writer */
        if (fd < 0)
            _exit(2);
        close(fd);
    } else if (argc > 1 && !strcmp(argv[1], "spawn")) {
        status = system("exit 3");
        bad += !WIFEXITED(status) || WEXITSTATUS(status) != 3;
    } else if (argc > 1 && !strcmp(argv[1], "fork")) {
        pid_t child = fork();
        if (child == 0)
            _exit(3);
        waitpid(child, &status, 0);
        bad += !WIFEXITED(status) || WEXITSTATUS(status) != 3;
    }
}

int main(void)
{
    for (unsigned i = 0; i < 50; i++) {
        unsigned char *p = malloc(33 + i);
        fill(p, 33 + i, i);
        BARRIER();
        bad += !intact(p, 33 + i, i);
        free(p);
    }
    say("main ended %d\n", bad);
    return 7;
}
