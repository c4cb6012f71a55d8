/*
 * Call sites of malloc in code made at run time: without unwind information, without frame pointers, and
 * none of them seen before.
 */
#include <sys/mman.h>

#define SITE 32
typedef void *(*site)(size_t);

/* Code for so many sites, or NULL. */
__attribute__((unused)) static unsigned char *make_sites(unsigned number)
{
    /* sub $8, %rsp; mov $malloc, %rax; call *%rax; add $8, %rsp; ret */
    unsigned char code[] = {0x48, 0x83, 0xec, 0x08, 0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xd0,
                            0x48, 0x83, 0xc4, 0x08, 0xc3};
    void *function = (void *)malloc;
    unsigned char *room = mmap(NULL, (size_t)number * SITE, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (room == MAP_FAILED)
        return NULL;
    memcpy(code + 6, &function, sizeof function);
    for (unsigned i = 0; i < number; i++)
        memcpy(room + i * SITE, code, sizeof code);
    if (mprotect(room, (size_t)number * SITE, PROT_READ | PROT_EXEC) != 0)
        return NULL;
    return room;
}

__attribute__((unused)) static void *call_site(unsigned char *sites, unsigned number, size_t size)
{
    site function;
    unsigned char *place = sites + number * SITE;
    memcpy(&function, &place, sizeof function);
    return function(size);
}
