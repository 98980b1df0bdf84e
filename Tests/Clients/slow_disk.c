/* Preloaded into a node: flushes of files below MARTLET_SLOW_PATH take as many milliseconds longer as the file
 * MARTLET_SLOW_FILE says, and writes as many as its second number says, if there is one; nothing while the file is not
 * there. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/uio.h>
#include <unistd.h>

enum call { FLUSH, WRITE };

static long delay_milliseconds(enum call call) {
    const char *name = getenv("MARTLET_SLOW_FILE");
    FILE *file = name ? fopen(name, "r") : NULL;
    if (!file) return 0;
    long milliseconds[2] = {0, 0};
    if (fscanf(file, "%ld %ld", &milliseconds[FLUSH], &milliseconds[WRITE]) < 1) milliseconds[FLUSH] = 0;
    fclose(file);
    return milliseconds[call];
}

static void wait_if_slow(int descriptor, enum call call) {
    const char *slow = getenv("MARTLET_SLOW_PATH");
    char link[64], path[4096];
    if (!slow) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count < 0) return;
    path[count] = 0;
    if (strncmp(path, slow, strlen(slow)) != 0) return;
    long milliseconds = delay_milliseconds(call);
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    while (nanosleep(&time, &time) != 0) {
    }
}

int fsync(int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    wait_if_slow(descriptor, FLUSH);
    return real(descriptor);
}

int fdatasync(int descriptor) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    wait_if_slow(descriptor, FLUSH);
    return real(descriptor);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t position) {
    ssize_t (*real)(int, const void *, size_t, off_t) =
        (ssize_t (*)(int, const void *, size_t, off_t))dlsym(RTLD_NEXT, "pwrite");
    wait_if_slow(descriptor, WRITE);
    return real(descriptor, bytes, count, position);
}

ssize_t pwritev(int descriptor, const struct iovec *pieces, int count, off_t position) {
    ssize_t (*real)(int, const struct iovec *, int, off_t) =
        (ssize_t (*)(int, const struct iovec *, int, off_t))dlsym(RTLD_NEXT, "pwritev");
    wait_if_slow(descriptor, WRITE);
    return real(descriptor, pieces, count, position);
}
