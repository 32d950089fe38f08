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

/**
 * Conditions of a file handle, as bits.
 */
enum _virEventHandleType {
    VIR_EVENT_HANDLE_READABLE = 1,
    VIR_EVENT_HANDLE_WRITABLE = 2,
    VIR_EVENT_HANDLE_ERROR = 4,
    VIR_EVENT_HANDLE_HANGUP = 8,
};

typedef enum _virEventHandleType virEventHandleType;

/**
 * Called when a file handle is ready; events are bits of virEventHandleType.
 */
typedef void (*virEventHandleCallback)(int watch, int fd, int events, void *opaque);

/**
 * Begins to watch a file handle. Returns the number of the watch, or -1.
 */
typedef int (*virEventAddHandleFunc)(int fd, int event, virEventHandleCallback cb, void *opaque, virFreeCallback ff);

/**
 * Changes what a watch waits for.
 */
typedef void (*virEventUpdateHandleFunc)(int watch, int event);

/**
 * Ends a watch. Returns 0, or -1 if there is none of that number.
 */
typedef int (*virEventRemoveHandleFunc)(int watch);

/**
 * Called when the time of a timer is up.
 */
typedef void (*virEventTimeoutCallback)(int timer, void *opaque);

/**
 * Starts a timer of so many milliseconds; -1 for one that waits to be updated. Returns its number, or -1.
 */
typedef int (*virEventAddTimeoutFunc)(int timeout, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff);

/**
 * Changes the interval of a timer.
 */
typedef void (*virEventUpdateTimeoutFunc)(int timer, int timeout);

/**
 * Ends a timer. Returns 0, or -1 if there is none of that number.
 */
typedef int (*virEventRemoveTimeoutFunc)(int timer);

#ifdef __cplusplus
}
#endif

#endif /* LIBVIRT_EVENT_H */
