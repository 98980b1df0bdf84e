#ifndef MARTLET_PLATFORM_H
#define MARTLET_PLATFORM_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* 1 when every page of the range, which lies in the file, is in the page cache; 0 when one is not, or it can't be
   known. */
int martlet_is_resident(int descriptor, int64_t position, size_t count);

/* Tries to take an exclusive lock on the open file; 0, or the error number. */
int martlet_try_lock(int descriptor);

/* Appends the names of a directory to `names`, each as one type byte ('d' or 'f') and a NUL-terminated name.
   Returns 0 or the error number; the caller frees *names. */
int martlet_list(const char *path, char **names, size_t *bytes);

#endif
