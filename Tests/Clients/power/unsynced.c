/* Preloaded into a node: remembers, for each file below $UNSYNCED_ROOT, how to take back what was not synchronised.
 *
 * Each change goes to the file's journal in $UNSYNCED_JOURNALS before it is made: where, how long the file was, and
 * the bytes that were there. A journal survives kill -9, as the page cache does. What fdatasync or fsync made durable
 * leaves the journal. power.py takes the rest back, newest first: that is what a loss of power leaves at worst.
 * Files that are made, renamed or removed are taken to be durable.
 *
 * A record of a journal, in the machine's byte order: int64 position, int64 former size of the file, int64 count of the
 * former bytes, and these. A journal is INODE.GENERATION: a synchronisation begins a new generation and removes the
 * older ones when it has succeeded, so that what is written meanwhile stays remembered. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES_MAX = 8192 };

struct journal {
    ino_t inode;
    uint64_t oldest, newest; /* generations that may exist */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct journal journals[FILES_MAX];
static int journal_count;

static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static ssize_t (*real_pwritev)(int, const struct iovec *, int, off_t);
static ssize_t (*real_write)(int, const void *, size_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static const char *root, *folder;

__attribute__((constructor)) static void begin(void) {
    real_pwrite = dlsym(RTLD_NEXT, "pwrite");
    real_pwritev = dlsym(RTLD_NEXT, "pwritev");
    real_write = dlsym(RTLD_NEXT, "write");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    root = getenv("UNSYNCED_ROOT");
    folder = getenv("UNSYNCED_JOURNALS");
}

static void give_up(const char *why) {
    fprintf(stderr, "unsynced: %s: %s\n", why, strerror(errno));
    abort();
}

/* Whether changes of the file are remembered. */
static bool is_watched(int fd, struct stat *about) {
    if (!root || !folder || fstat(fd, about) != 0 || !S_ISREG(about->st_mode)) return false;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return false;
    path[length] = 0;
    return strncmp(path, root, strlen(root)) == 0 && !strstr(path, "/server.log");
}

static void name(char *path, size_t size, ino_t inode, uint64_t generation) {
    snprintf(path, size, "%s/%ju.%ju", folder, (uintmax_t)inode, (uintmax_t)generation);
}

/* The journal of a file; under the lock. */
static struct journal *journal_of(ino_t inode) {
    for (int i = 0; i < journal_count; i++) if (journals[i].inode == inode) return &journals[i];
    if (journal_count == FILES_MAX) { errno = EMFILE; give_up("too many files"); }
    journals[journal_count] = (struct journal){.inode = inode};
    return &journals[journal_count++];
}

static void forget(struct journal *journal, uint64_t before) {
    char path[PATH_MAX];
    for (; journal->oldest < before; journal->oldest++) {
        name(path, sizeof path, journal->inode, journal->oldest);
        unlink(path);
    }
}

/* Remembers what `count` bytes at `position` replace, or what a cut to `position` takes away (count < 0). */
static void remember(int fd, off_t position, off_t count) {
    struct stat about;
    if (!is_watched(fd, &about)) return;
    pthread_mutex_lock(&lock);
    struct journal *journal = journal_of(about.st_ino);
    /* An empty file is a new one, maybe with the number of one that is gone. */
    if (about.st_size == 0) forget(journal, ++journal->newest);
    off_t end = count < 0 || position + count > about.st_size ? about.st_size : position + count;
    off_t former = end > position ? end - position : 0;
    char *record = malloc(24 + former);
    int64_t head[3] = {position, about.st_size, former};
    memcpy(record, head, sizeof head);
    char own[64];
    snprintf(own, sizeof own, "/proc/self/fd/%d", fd);
    if (former > 0) { /* The descriptor may be for writing only. */
        int reader = open(own, O_RDONLY | O_CLOEXEC);
        if (reader < 0 || pread(reader, record + 24, former, position) != former) give_up("read what is replaced");
        close(reader);
    }
    char path[PATH_MAX];
    name(path, sizeof path, journal->inode, journal->newest);
    int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (out < 0 || real_write(out, record, 24 + former) != 24 + former) give_up("write the journal");
    close(out);
    free(record);
    pthread_mutex_unlock(&lock);
}

static int synchronize(int fd, int (*real)(int)) {
    struct stat about;
    bool watched = is_watched(fd, &about);
    uint64_t before = 0;
    if (watched) {
        pthread_mutex_lock(&lock);
        before = ++journal_of(about.st_ino)->newest;
        pthread_mutex_unlock(&lock);
    }
    int result = real(fd);
    if (watched && result == 0) {
        pthread_mutex_lock(&lock);
        forget(journal_of(about.st_ino), before);
        pthread_mutex_unlock(&lock);
    }
    return result;
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t position) {
    remember(fd, position, count);
    return real_pwrite(fd, bytes, count, position);
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off_t position) { return pwrite(fd, bytes, count, position); }

ssize_t pwritev(int fd, const struct iovec *pieces, int count, off_t position) {
    off_t total = 0;
    for (int i = 0; i < count; i++) total += pieces[i].iov_len;
    remember(fd, position, total);
    return real_pwritev(fd, pieces, count, position);
}

ssize_t pwritev64(int fd, const struct iovec *pieces, int count, off_t position) {
    return pwritev(fd, pieces, count, position);
}

ssize_t write(int fd, const void *bytes, size_t count) {
    struct stat about;
    if (is_watched(fd, &about)) {
        off_t position = fcntl(fd, F_GETFL) & O_APPEND ? about.st_size : lseek(fd, 0, SEEK_CUR);
        remember(fd, position, count);
    }
    return real_write(fd, bytes, count);
}

int ftruncate(int fd, off_t size) {
    struct stat about;
    if (is_watched(fd, &about)) remember(fd, size < about.st_size ? size : about.st_size, -1);
    return real_ftruncate(fd, size);
}

int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int fsync(int fd) { return synchronize(fd, real_fsync); }

int fdatasync(int fd) { return synchronize(fd, real_fdatasync); }
