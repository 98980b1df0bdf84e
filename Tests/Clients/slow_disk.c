/* Preloaded into a node: flushes of files below MARTLET_SLOW_PATH take as many milliseconds longer as the file
 * MARTLET_SLOW_FILE says; nothing while it is not there. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long delay_milliseconds(void) {
    const char *name = getenv("MARTLET_SLOW_FILE");
    FILE *file = name ? fopen(name, "r") : NULL;
    if (!file) return 0;
    long milliseconds = 0;
    if (fscanf(file, "%ld", &milliseconds) != 1) milliseconds = 0;
    fclose(file);
    return milliseconds;
}

static void wait_if_slow(int descriptor) {
    const char *slow = getenv("MARTLET_SLOW_PATH");
    char link[64], path[4096];
    if (!slow) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count < 0) return;
    path[count] = 0;
    if (strncmp(path, slow, strlen(slow)) != 0) return;
    long milliseconds = delay_milliseconds();
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0) {
    }
}

int fsync(int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_if_slow(descriptor);
    return real(descriptor);
}

int fdatasync(int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_if_slow(descriptor);
    return real(descriptor);
}
