#ifndef MARTLET_POLLING_H
#define MARTLET_POLLING_H
#include <stddef.h>
#include <stdint.h>

/* What the Swift overlay of the C library has no name for: epoll, eventfd, and a thread's own word. */

enum { martlet_readable = 1, martlet_writable = 2, martlet_broken = 4 };

struct martlet_event {
    uint64_t token;
    /* Of the three above. */
    uint32_t flags;
};

/* A set of descriptors to wait for; a descriptor, or -1 with errno. */
int martlet_poll_open(void);

/* A descriptor that wakes whoever waits for it once for each `martlet_wake`; -1 with errno. */
int martlet_wake_open(int poll, uint64_t token);
void martlet_wake(int wake);

/* What is waited for; errors and hang-ups come in any case. 0, or -1 with errno. */
int martlet_poll_add(int poll, int descriptor, uint64_t token, uint32_t flags);
int martlet_poll_change(int poll, int descriptor, uint64_t token, uint32_t flags);
void martlet_poll_remove(int poll, int descriptor);

/* Waits for so many nanoseconds, or for ever where they are negative; the number of events, 0 after a signal. */
int martlet_poll_wait(int poll, struct martlet_event *events, int most, int64_t nanoseconds);

/* A connection that has come in, non-blocking; -1 with errno. */
int martlet_accept(int listening);

/* The address of one end of a socket as text, empty where it has none, and its port. */
void martlet_socket_address(int descriptor, int is_remote, char *text, size_t size, int *port);

/* Starts a thread; 0, or the error number. */
int martlet_thread_start(uint64_t *thread, const char *name, void (*run)(void *), void *context);
void martlet_thread_join(uint64_t thread);

/* What the present thread last set; NULL at first. */
void *martlet_thread_word(void);
void martlet_thread_set_word(void *word);

#endif
