#define _GNU_SOURCE
#include "platform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>

enum { probe_step_bytes = 64 * 1024 };

static int byte_is_resident(int descriptor, int64_t position) {
#ifdef RWF_NOWAIT
    char byte;
    struct iovec piece = {.iov_base = &byte, .iov_len = 1};
    ssize_t got = preadv2(descriptor, &piece, 1, position, RWF_NOWAIT);
    return !(got < 0 && errno == EAGAIN);
#else
    (void)descriptor;
    (void)position;
    return 1;
#endif
}

int martlet_is_resident(int descriptor, int64_t position, size_t count) {
    if (count == 0) return 1;
    for (size_t at = 0; at < count; at += probe_step_bytes)
        if (!byte_is_resident(descriptor, position + (int64_t)at)) return 0;
    return byte_is_resident(descriptor, position + (int64_t)count - 1);
}

int martlet_try_lock(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB) == 0 ? 0 : errno; }

static int is_directory(DIR *directory, const struct dirent *entry) {
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK) return entry->d_type == DT_DIR;
    struct stat about;
    return fstatat(dirfd(directory), entry->d_name, &about, 0) == 0 && S_ISDIR(about.st_mode);
}

int martlet_list(const char *path, char **names, size_t *bytes) {
    *names = NULL;
    *bytes = 0;
    DIR *directory = opendir(path);
    if (!directory) return errno;
    size_t capacity = 0;
    int error = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry) {
            error = errno;
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        size_t length = strlen(entry->d_name) + 1;
        if (*bytes + length + 1 > capacity) {
            capacity = (*bytes + length + 1) * 2;
            char *grown = realloc(*names, capacity);
            if (!grown) {
                error = ENOMEM;
                break;
            }
            *names = grown;
        }
        (*names)[(*bytes)++] = is_directory(directory, entry) ? 'd' : 'f';
        memcpy(*names + *bytes, entry->d_name, length);
        *bytes += length;
    }
    closedir(directory);
    if (error) {
        free(*names);
        *names = NULL;
    }
    return error;
}
