/*
 * The functions of an application's own loop may call the library, also those that the library calls to say that there
 * is something to deliver: no lock is held then.
 */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <pthread.h>
#include <unistd.h>

#include "check.h"
#include "events.h"

static virConnectPtr conn;
static virDomainPtr dom;
static virEventTimeoutCallback deliver;
static void *delivered;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int looked, updates, due, events;

static int add_handle(int fd, int event, virEventHandleCallback cb, void *opaque, virFreeCallback ff)
{
    (void)fd;
    (void)event;
    (void)cb;
    (void)opaque;
    (void)ff;
    return -1;
}

static void update_handle(int watch, int event)
{
    (void)watch;
    (void)event;
}

static int remove_handle(int watch)
{
    (void)watch;
    return -1;
}

static int add_timeout(int timeout, virEventTimeoutCallback cb, void *opaque, virFreeCallback ff)
{
    (void)timeout;
    (void)ff;
    deliver = cb;
    delivered = opaque;
    return 1;
}

/* Called by whichever thread has something to tell. */
static void update_timeout(int timer, int timeout)
{
    virDomainJobPtr *jobs;
    virConnectPtr other;
    char *xml;
    int i, n;

    CHECK_INT(timer, 1);
    CHECK((n = virDomainJobList(dom, &jobs, VIR_DOMAIN_JOB_LIST_STATS)) >= 0);
    for (i = 0; i < n; i++)
        virDomainJobFree(jobs[i]);
    free(jobs);
    CHECK((xml = virDomainGetXMLDesc(dom, 0)) != NULL);
    free(xml);
    CHECK((other = virConnectOpen("test:///default")) != NULL);
    CHECK_INT(virConnectClose(other), 0);
    pthread_mutex_lock(&mutex);
    looked += n;
    updates++;
    due |= timeout == 0;
    pthread_mutex_unlock(&mutex);
}

static int remove_timeout(int timer)
{
    CHECK_INT(timer, 1);
    return 0;
}

static void on_state(virConnectPtr c, virDomainPtr d, const char *job, virDomainJobType type, virDomainJobState state, void *opaque)
{
    (void)c;
    (void)d;
    (void)job;
    (void)type;
    (void)state;
    (void)opaque;
    events++;
}

static int take_due(void)
{
    int was;

    pthread_mutex_lock(&mutex);
    was = due;
    due = 0;
    pthread_mutex_unlock(&mutex);
    return was;
}

static void deliver_until(int n)
{
    while (events < n) {
        if (take_due())
            deliver(1, delivered);
        usleep(1000);
    }
}

int main(void)
{
    int id;

    virEventRegisterImpl(add_handle, update_handle, remove_handle, add_timeout, update_timeout, remove_timeout);
    CHECK((conn = virConnectOpen("test:///default")) != NULL);
    CHECK((dom = virDomainLookupByName(conn, "test")) != NULL);
    id = virConnectDomainEventRegisterAny(conn, NULL, VIR_DOMAIN_EVENT_ID_JOB_STATE, VIR_DOMAIN_EVENT_CALLBACK(on_state), NULL, NULL);
    CHECK(id >= 0);

    /* Running is told by this thread, the end by the hypervisor's. */
    CHECK_INT(virDomainBlockPull(dom, "vdb", 1, 0), 0);
    deliver_until(1);
    CHECK_INT(virDomainBlockJobSetSpeed(dom, "vdb", 0, 0), 0);
    deliver_until(2);
    CHECK(looked >= 1 && updates >= 2);

    CHECK_INT(virConnectDomainEventDeregisterAny(conn, id), 0);
    CHECK_INT(virDomainFree(dom), 0);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
