#define _GNU_SOURCE
#include "polling.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* One number on all architectures (Linux 5.11). */
#ifndef __NR_epoll_pwait2
#define __NR_epoll_pwait2 441
#endif

enum { events_at_a_time = 128 };

static const int64_t second = 1000000000, millisecond = 1000000;

int martlet_poll_open(void) { return epoll_create1(EPOLL_CLOEXEC); }

static int control(int poll, int operation, int descriptor, uint64_t token, uint32_t flags) {
    struct epoll_event event = {.data.u64 = token};
    if (flags & martlet_readable) event.events |= EPOLLIN;
    if (flags & martlet_writable) event.events |= EPOLLOUT;
    return epoll_ctl(poll, operation, descriptor, &event);
}

int martlet_poll_add(int poll, int descriptor, uint64_t token, uint32_t flags) {
    return control(poll, EPOLL_CTL_ADD, descriptor, token, flags);
}

int martlet_poll_change(int poll, int descriptor, uint64_t token, uint32_t flags) {
    return control(poll, EPOLL_CTL_MOD, descriptor, token, flags);
}

void martlet_poll_remove(int poll, int descriptor) {
    struct epoll_event event = {0};
    epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, &event);
}

int martlet_wake_open(int poll, uint64_t token) {
    int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake < 0) return -1;
    /* By its edges: each write is an event of its own, and nobody has to read it. */
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = token};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, wake, &event) == 0) return wake;
    int error = errno;
    close(wake);
    errno = error;
    return -1;
}

void martlet_wake(int wake) {
    uint64_t one = 1, all;
    while (write(wake, &one, sizeof one) < 0) {
        /* The counter is full: an event that was told long ago. */
        if (errno == EAGAIN && read(wake, &all, sizeof all) < 0) return;
        if (errno != EAGAIN && errno != EINTR) return;
    }
}

static int wait_by_milliseconds(int poll, struct epoll_event *found, int most, int64_t nanoseconds) {
    int64_t wait = nanoseconds < 0 ? -1 : nanoseconds / millisecond + (nanoseconds % millisecond != 0);
    return epoll_wait(poll, found, most, wait > INT_MAX ? INT_MAX : (int)wait);
}

static int wait_for(int poll, struct epoll_event *found, int most, int64_t nanoseconds) {
    static atomic_int has_no_pwait2;
    if (nanoseconds <= 0) return epoll_wait(poll, found, most, nanoseconds < 0 ? -1 : 0);
    if (atomic_load_explicit(&has_no_pwait2, memory_order_relaxed)) {
        return wait_by_milliseconds(poll, found, most, nanoseconds);
    }
    struct timespec time = {.tv_sec = nanoseconds / second, .tv_nsec = nanoseconds % second};
    int count = (int)syscall(__NR_epoll_pwait2, poll, found, most, &time, NULL, (size_t)0);
    if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
        atomic_store_explicit(&has_no_pwait2, 1, memory_order_relaxed);
        return wait_by_milliseconds(poll, found, most, nanoseconds);
    }
    return count;
}

int martlet_poll_wait(int poll, struct martlet_event *events, int most, int64_t nanoseconds) {
    struct epoll_event found[events_at_a_time];
    int count = wait_for(poll, found, most < events_at_a_time ? most : events_at_a_time, nanoseconds);
    if (count < 0) return errno == EINTR ? 0 : -1;
    for (int at = 0; at < count; at++) {
        uint32_t flags = 0;
        if (found[at].events & EPOLLIN) flags |= martlet_readable;
        if (found[at].events & EPOLLOUT) flags |= martlet_writable;
        if (found[at].events & (EPOLLERR | EPOLLHUP)) flags |= martlet_broken;
        events[at] = (struct martlet_event){.token = found[at].data.u64, .flags = flags};
    }
    return count;
}

int martlet_accept(int listening) {
    for (;;) {
        int made = accept4(listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (made >= 0 || errno != EINTR) return made;
    }
}

void martlet_socket_address(int descriptor, int is_remote, char *text, size_t size, int *port) {
    struct sockaddr_storage found = {0};
    socklen_t length = sizeof found;
    text[0] = 0;
    *port = 0;
    int failed = (is_remote ? getpeername : getsockname)(descriptor, (struct sockaddr *)&found, &length);
    if (!failed && found.ss_family == AF_INET) {
        struct sockaddr_in *four = (struct sockaddr_in *)&found;
        inet_ntop(AF_INET, &four->sin_addr, text, (socklen_t)size);
        *port = ntohs(four->sin_port);
    } else if (!failed && found.ss_family == AF_INET6) {
        struct sockaddr_in6 *six = (struct sockaddr_in6 *)&found;
        inet_ntop(AF_INET6, &six->sin6_addr, text, (socklen_t)size);
        *port = ntohs(six->sin6_port);
    }
}

struct start {
    void (*run)(void *);
    void *context;
};

static void *run_thread(void *given) {
    struct start start = *(struct start *)given;
    free(given);
    start.run(start.context);
    return NULL;
}

int martlet_thread_start(uint64_t *thread, const char *name, void (*run)(void *), void *context) {
    struct start *start = malloc(sizeof *start);
    if (!start) return ENOMEM;
    *start = (struct start){.run = run, .context = context};
    pthread_t made;
    int error = pthread_create(&made, NULL, run_thread, start);
    if (error) {
        free(start);
        return error;
    }
    pthread_setname_np(made, name);
    *thread = (uint64_t)made;
    return 0;
}

void martlet_thread_join(uint64_t thread) { pthread_join((pthread_t)thread, NULL); }

static _Thread_local void *thread_word;

void *martlet_thread_word(void) { return thread_word; }

void martlet_thread_set_word(void *word) { thread_word = word; }
