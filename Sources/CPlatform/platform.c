#define _GNU_SOURCE
#include "platform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Older C libraries have no name for it; it has one number on all architectures (Linux 6.5). */
#ifndef __NR_cachestat
#define __NR_cachestat 451
#endif

enum { pages_at_a_time = 4096 };

struct cache_range {
    uint64_t offset, length;
};
struct cache_figures {
    uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

static uint64_t page_bytes(void) {
    static atomic_ulong known;
    uint64_t size = atomic_load_explicit(&known, memory_order_relaxed);
    if (!size) {
        size = (uint64_t)sysconf(_SC_PAGESIZE);
        atomic_store_explicit(&known, size, memory_order_relaxed);
    }
    return size;
}

/* By the page tables of a mapping: a hundred times dearer than cachestat. */
static int is_resident_by_mapping(int descriptor, uint64_t first, uint64_t pages) {
    unsigned char present[pages_at_a_time];
    uint64_t page = page_bytes();
    while (pages > 0) {
        uint64_t now = pages < pages_at_a_time ? pages : pages_at_a_time;
        void *mapping = mmap(NULL, now * page, PROT_READ, MAP_SHARED, descriptor, (off_t)(first * page));
        if (mapping == MAP_FAILED) return 0;
        int failed = mincore(mapping, now * page, present);
        munmap(mapping, now * page);
        if (failed) return 0;
        for (uint64_t at = 0; at < now; at++)
            if (!(present[at] & 1)) return 0;
        first += now;
        pages -= now;
    }
    return 1;
}

int martlet_is_resident(int descriptor, int64_t position, size_t count) {
    static atomic_int has_no_cachestat;
    if (count == 0) return 1;
    uint64_t page = page_bytes();
    uint64_t first = (uint64_t)position / page;
    uint64_t pages = ((uint64_t)position + count - 1) / page + 1 - first;
    if (!atomic_load_explicit(&has_no_cachestat, memory_order_relaxed)) {
        struct cache_range range = {.offset = first * page, .length = pages * page};
        struct cache_figures figures = {0};
        if (syscall(__NR_cachestat, descriptor, &range, &figures, 0) == 0) {
            if (figures.cached >= pages) return 1;
            /* Where a file system lies over another, the pages are those of the other's file. */
            return figures.cached == 0 && is_resident_by_mapping(descriptor, first, pages);
        }
        if (errno == ENOSYS || errno == EPERM) atomic_store_explicit(&has_no_cachestat, 1, memory_order_relaxed);
    }
    return is_resident_by_mapping(descriptor, first, pages);
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
