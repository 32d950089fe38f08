/*
 * libvirt-event.h: the event loop
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Generated from the Rust sources of virt-jobs; change those and run "make headers".
 */

#ifndef LIBVIRT_EVENT_H
#define LIBVIRT_EVENT_H

#include <libvirt/libvirt-common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Conditions of a file handle, as bits. */
enum _virEventHandleType {
    VIR_EVENT_HANDLE_READABLE = 1,
    VIR_EVENT_HANDLE_WRITABLE = 2,
    VIR_EVENT_HANDLE_ERROR = 4,
    VIR_EVENT_HANDLE_HANGUP = 8,
};

typedef enum _virEventHandleType virEventHandleType;

/** Called when a file handle is ready; events are bits of virEventHandleType. */
typedef void (*virEventHandleCallback)(int watch, int fd, int events, void *opaque);

/** Begins to watch a file handle. Returns the number of the watch, or -1. */
typedef int (*virEventAddHandleFunc)(int fd, int event, virEventHandleCallback cb, void *opaque, virFreeCallback ff);

/** Changes what a watch waits for. */
typedef void (*virEventUpdateHandleFunc)(int watch, int event);

/** Ends a watch. Returns 0, or -1 if there is none of that number. */
typedef int (*virEventRemoveHandleFunc)(int watch);

/** Called when the time of a timer is up. */
typedef void (*virEventTimeoutCallback)(int timer, void *opaque);

/** Starts a timer of so many milliseconds; -1 for one that waits to be updated. Returns its number, or -1. */
typedef int (*virEventAddTimeoutFunc)(int timeout, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff);

/** Changes the interval of a timer. */
typedef void (*virEventUpdateTimeoutFunc)(int timer, int timeout);

/** Ends a timer. Returns 0, or -1 if there is none of that number. */
typedef int (*virEventRemoveTimeoutFunc)(int timer);

/**
 * Makes the application's own event loop the one of this process: its functions are called, on any thread, wherever
 * this library needs a descriptor or a timer watched. Callbacks must be called, and freed, with no lock held that these
 * functions take.
 *
 * To be called before the first connection is opened. Once there is a loop, be it this one or the default one, a
 * further call changes nothing.
 */
void virEventRegisterImpl(virEventAddHandleFunc addHandle,
                          virEventUpdateHandleFunc updateHandle,
                          virEventRemoveHandleFunc removeHandle,
                          virEventAddTimeoutFunc addTimeout,
                          virEventUpdateTimeoutFunc updateTimeout,
                          virEventRemoveTimeoutFunc removeTimeout);

/**
 * Makes the library's own event loop the one of this process, unless there is one. The application then calls
 * virEventRunDefaultImpl again and again.
 *
 * Returns 0, or -1 on error.
 */
int virEventRegisterDefaultImpl(void);

/**
 * Runs one round of the library's own event loop: waits until something is ready, a signal arrives, or another thread
 * changes what is waited for; then calls back what is ready. With nothing registered it waits for ever. Threads that
 * call it at the same time take turns; a callback may call it.
 *
 * Returns 0, or -1 on error, as when there is no such loop.
 */
int virEventRunDefaultImpl(void);

/**
 * Watches @fd for @events (bits of virEventHandleType) and calls @cb with @opaque whenever it is ready.
 *
 * @ff is called with @opaque once, from the loop, after the watch was removed; not if this function fails.
 *
 * Returns the number of the watch, or -1 on error.
 */
int virEventAddHandle(int fd, int events, virEventHandleCallback cb, void *opaque, virFreeCallback ff);

/** Changes what the watch @watch waits for; 0 lets it rest. Nothing happens if there is no such watch. */
void virEventUpdateHandle(int watch, int events);

/**
 * Ends a watch. It is not called any more, and its pointer is freed by the loop later.
 *
 * Returns 0, or -1 if there is no such watch.
 */
int virEventRemoveHandle(int watch);

/**
 * Calls @cb with @opaque every @timeout milliseconds: 0 in every round of the loop, -1 not before it is updated.
 *
 * @ff is called with @opaque once, from the loop, after the timer was removed; not if this function fails.
 *
 * Returns the number of the timer, or -1 on error.
 */
int virEventAddTimeout(int timeout, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff);

/** Changes the time of a timer, which begins anew; -1 lets it rest. Nothing happens if there is no such timer. */
void virEventUpdateTimeout(int timer, int timeout);

/**
 * Ends a timer. It is not called any more, and its pointer is freed by the loop later.
 *
 * Returns 0, or -1 if there is no such timer.
 */
int virEventRemoveTimeout(int timer);

#ifdef __cplusplus
}
#endif

#endif /* LIBVIRT_EVENT_H */
