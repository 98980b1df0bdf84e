// Stands between a node's process and its machine (LD_PRELOAD): a disk that forgets what was not flushed, fails, is slow
// or full, and a clock that jumps. `martlet chaos --shim` starts nodes with it; Tests/chaos.sh builds it.
//
//   MARTLET_SHIM_ROOT   the folder whose files it watches
//   MARTLET_SHIM_SIDE   where it keeps `control` (what is asked of it, 4096 bytes) and `journal` (how to undo)
//
// kill -9 alone is no loss of power: the page cache survives it. So every change to a file or folder is written to the
// journal before it is made, with what was there before, and every flush is noted. After a kill, `martlet chaos` undoes
// what had not been flushed. Flushes reach no disk here; the page cache is the disk.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

// The page that the tester writes and we read; numbers are little-endian 64 bits.
struct control {
    volatile int64_t flush_delay_ms;
    volatile int64_t flushes_to_fail;
    volatile int64_t is_full;
    volatile int64_t clock_offset_ms;
    volatile int64_t flushes_failed;
    volatile int64_t write_delay_ms;
    int64_t reserved[2];
    // Only flushes of paths with this in them fail or are slow, and only writes to them are slow; empty for all.
    char flush_path[192];
};

// One entry of the journal, followed by `path_bytes` of the path, `new_path_bytes` of the new path and `data_bytes` of
// what was there before.
struct entry {
    uint32_t kind;
    uint32_t path_bytes;
    uint32_t new_path_bytes;
    uint32_t data_bytes;
    uint64_t inode;
    uint64_t offset;
    uint64_t count;
    uint64_t old_size;
};

enum { descriptors_max = 65536 };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct control *control;
static int journal = -1;
static char root[PATH_MAX], side[PATH_MAX];
static size_t root_length;
static char *watched[descriptors_max];
static uint64_t kept_count;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void begin(void) {
    const char *wanted_root = getenv("MARTLET_SHIM_ROOT"), *wanted_side = getenv("MARTLET_SHIM_SIDE");
    if (!wanted_root || !wanted_side) return;
    snprintf(root, sizeof root, "%s", wanted_root);
    snprintf(side, sizeof side, "%s", wanted_side);
    root_length = strlen(root);
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/control", side);
    int descriptor = REAL(open)(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor < 0 || ftruncate(descriptor, 4096) != 0) {
        fprintf(stderr, "shim: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    control = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    snprintf(path, sizeof path, "%s/journal", side);
    journal = REAL(open)(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (control == MAP_FAILED || journal < 0) {
        fprintf(stderr, "shim: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    // Names of kept files must not meet those of an earlier process of this node.
    kept_count = (uint64_t)time(0) << 20;
}

static int is_watched_path(const char *path) {
    return journal >= 0 && !strncmp(path, root, root_length) && (path[root_length] == '/' || !path[root_length]);
}

static char *path_of(int descriptor) {
    return descriptor >= 0 && descriptor < descriptors_max ? watched[descriptor] : 0;
}

static void note(uint32_t kind, const char *path, const char *new_path, struct entry entry, const void *data) {
    entry.kind = kind;
    entry.path_bytes = path ? strlen(path) : 0;
    entry.new_path_bytes = new_path ? strlen(new_path) : 0;
    struct iovec pieces[] = {
        {&entry, sizeof entry}, {(void *)path, entry.path_bytes}, {(void *)new_path, entry.new_path_bytes},
        {(void *)data, entry.data_bytes}};
    size_t total = 0;
    for (int i = 0; i < 4; i++) total += pieces[i].iov_len;
    if (REAL(writev)(journal, pieces, 4) != (ssize_t)total) {
        fprintf(stderr, "shim: the journal can't be written: %s\n", strerror(errno));
        abort();
    }
}

// Notes what stands at [offset, offset + count) of a file before it changes.
static void note_range(uint32_t kind, int descriptor, uint64_t offset, uint64_t count) {
    struct stat about;
    if (fstat(descriptor, &about) != 0) return;
    struct entry entry = {0};
    entry.inode = about.st_ino;
    entry.offset = offset;
    entry.count = count;
    entry.old_size = about.st_size;
    uint64_t end = kind == 'T' ? entry.old_size : offset + count;
    if (end > entry.old_size) end = entry.old_size;
    void *old = 0;
    if (end > offset) {
        old = malloc(end - offset);
        ssize_t got = old ? pread(descriptor, old, end - offset, offset) : -1;
        if (got != (ssize_t)(end - offset)) {
            // A descriptor for writing only: open it again to read.
            char own[64];
            snprintf(own, sizeof own, "/proc/self/fd/%d", descriptor);
            int reader = REAL(open)(own, O_RDONLY | O_CLOEXEC);
            got = reader < 0 ? -1 : pread(reader, old, end - offset, offset);
            if (reader >= 0) close(reader);
        }
        if (got != (ssize_t)(end - offset)) abort();
        entry.data_bytes = end - offset;
    }
    note(kind, 0, 0, entry, old);
    free(old);
}

// MARK: files

static int opened(const char *path, int flags, mode_t mode, int (*real)(const char *, int, ...)) {
    if (!is_watched_path(path)) {
        int descriptor = real(path, flags, mode);
        if (descriptor >= 0 && descriptor < descriptors_max && watched[descriptor]) {
            pthread_mutex_lock(&lock);
            free(watched[descriptor]);
            watched[descriptor] = 0;
            pthread_mutex_unlock(&lock);
        }
        return descriptor;
    }
    pthread_mutex_lock(&lock);
    int existed = access(path, F_OK) == 0;
    if (existed && (flags & O_TRUNC)) {
        int reader = real(path, O_RDONLY | O_CLOEXEC);
        if (reader >= 0) {
            note_range('T', reader, 0, 0);
            close(reader);
        }
    }
    if (!existed && (flags & O_CREAT)) note('C', path, 0, (struct entry){0}, 0);
    int descriptor = real(path, flags, mode);
    if (descriptor >= 0 && descriptor < descriptors_max) {
        free(watched[descriptor]);
        watched[descriptor] = strdup(path);
    }
    pthread_mutex_unlock(&lock);
    return descriptor;
}

int open(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return opened(path, flags, mode, REAL(open));
}

int open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    mode_t mode = va_arg(arguments, mode_t);
    va_end(arguments);
    return opened(path, flags, mode, REAL(open64));
}

static void nap(int64_t milliseconds) {
    struct timespec delay = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&delay, 0);
}

static int is_meant(const char *path) { return !control->flush_path[0] || strstr(path, control->flush_path); }

// Not under the lock: what lies elsewhere is written meanwhile.
static void wait_if_slow(int descriptor) {
    char *path = path_of(descriptor);
    if (path && control->write_delay_ms > 0 && is_meant(path)) nap(control->write_delay_ms);
}

static int is_full_for(int descriptor) {
    if (!path_of(descriptor) || !control->is_full) return 0;
    errno = ENOSPC;
    return 1;
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    if (is_full_for(descriptor)) return -1;
    if (!path_of(descriptor)) return REAL(pwrite)(descriptor, bytes, count, offset);
    wait_if_slow(descriptor);
    pthread_mutex_lock(&lock);
    note_range('W', descriptor, offset, count);
    ssize_t result = REAL(pwrite)(descriptor, bytes, count, offset);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    return pwrite(descriptor, bytes, count, offset);
}

ssize_t pwritev(int descriptor, const struct iovec *pieces, int piece_count, off_t offset) {
    if (is_full_for(descriptor)) return -1;
    if (!path_of(descriptor)) return REAL(pwritev)(descriptor, pieces, piece_count, offset);
    wait_if_slow(descriptor);
    size_t count = 0;
    for (int i = 0; i < piece_count; i++) count += pieces[i].iov_len;
    pthread_mutex_lock(&lock);
    note_range('W', descriptor, offset, count);
    ssize_t result = REAL(pwritev)(descriptor, pieces, piece_count, offset);
    pthread_mutex_unlock(&lock);
    return result;
}

ssize_t pwritev64(int descriptor, const struct iovec *pieces, int piece_count, off64_t offset) {
    return pwritev(descriptor, pieces, piece_count, offset);
}

int ftruncate(int descriptor, off_t size) {
    if (!path_of(descriptor)) return REAL(ftruncate)(descriptor, size);
    pthread_mutex_lock(&lock);
    note_range('T', descriptor, size, 0);
    int result = REAL(ftruncate)(descriptor, size);
    pthread_mutex_unlock(&lock);
    return result;
}

int ftruncate64(int descriptor, off64_t size) { return ftruncate(descriptor, size); }

// MARK: flushes

static int flush(int descriptor, const char *path, int is_folder) {
    if (is_meant(path) && control->flush_delay_ms > 0) nap(control->flush_delay_ms);
    struct stat about;
    if (fstat(descriptor, &about) != 0) return -1;
    struct entry entry = {.inode = about.st_ino};
    pthread_mutex_lock(&lock);
    int fails = is_meant(path) && control->flushes_to_fail > 0;
    if (fails) {
        control->flushes_to_fail--;
        control->flushes_failed++;
    }
    // Linux drops what it could not write and says so once: a later flush that succeeds does not bring it back.
    if (fails) note('F', path, 0, entry, 0);
    else note(is_folder ? 'P' : 'S', path, 0, entry, 0);
    pthread_mutex_unlock(&lock);
    if (fails) errno = EIO;
    return fails ? -1 : 0;
}

static int flushed(int descriptor, int (*real)(int)) {
    char *path = path_of(descriptor);
    if (!path) return real(descriptor);
    struct stat about;
    int is_folder = fstat(descriptor, &about) == 0 && S_ISDIR(about.st_mode);
    return flush(descriptor, path, is_folder);
}

int fsync(int descriptor) { return flushed(descriptor, REAL(fsync)); }
int fdatasync(int descriptor) { return flushed(descriptor, REAL(fdatasync)); }

// MARK: names

// Keeps the file at `path` under another name, so that it can come back; 0 where there is none.
static uint64_t keep(const char *path) {
    struct stat about;
    if (lstat(path, &about) != 0 || S_ISDIR(about.st_mode)) return 0;
    char kept[PATH_MAX + 32];
    snprintf(kept, sizeof kept, "%s/kept-%llu", side, (unsigned long long)++kept_count);
    return link(path, kept) == 0 ? kept_count : 0;
}

int rename(const char *path, const char *new_path) {
    if (!is_watched_path(path) || !is_watched_path(new_path)) return REAL(rename)(path, new_path);
    pthread_mutex_lock(&lock);
    struct entry entry = {.offset = keep(new_path)};
    note('R', path, new_path, entry, 0);
    int result = REAL(rename)(path, new_path);
    pthread_mutex_unlock(&lock);
    return result;
}

int unlink(const char *path) {
    if (!is_watched_path(path)) return REAL(unlink)(path);
    pthread_mutex_lock(&lock);
    struct entry entry = {.offset = keep(path)};
    if (entry.offset) note('U', path, 0, entry, 0);
    int result = REAL(unlink)(path);
    pthread_mutex_unlock(&lock);
    return result;
}

int mkdir(const char *path, mode_t mode) {
    if (!is_watched_path(path) || access(path, F_OK) == 0) return REAL(mkdir)(path, mode);
    pthread_mutex_lock(&lock);
    note('M', path, 0, (struct entry){0}, 0);
    int result = REAL(mkdir)(path, mode);
    pthread_mutex_unlock(&lock);
    return result;
}

int rmdir(const char *path) {
    if (!is_watched_path(path)) return REAL(rmdir)(path);
    pthread_mutex_lock(&lock);
    note('D', path, 0, (struct entry){0}, 0);
    int result = REAL(rmdir)(path);
    pthread_mutex_unlock(&lock);
    return result;
}

// MARK: the clock

int clock_gettime(clockid_t which, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = REAL(clock_gettime);
    int result = real(which, time);
    if (result == 0 && control && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) {
        int64_t offset = control->clock_offset_ms;
        time->tv_sec += offset / 1000;
        time->tv_nsec += offset % 1000 * 1000000;
        if (time->tv_nsec >= 1000000000) time->tv_sec++, time->tv_nsec -= 1000000000;
        if (time->tv_nsec < 0) time->tv_sec--, time->tv_nsec += 1000000000;
    }
    return result;
}
