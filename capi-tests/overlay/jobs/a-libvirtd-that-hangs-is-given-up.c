/*
 * Calls about jobs on a libvirtd that hangs fail after a while, and at once as long as the first question is still on its way;
 * a registration can be ended all the same. Once libvirtd goes on, so does everything else, and nothing is left behind.
 */

#include <pthread.h>

#include "overlay/jobs/machine.h"

/** Half of the time that a call may take at most: once, it is waited for as long as libvirt itself would wait. */
#define AT_ONCE 15

static void *list_one(void *dom)
{
    CHECK_INT(virDomainJobList(dom, NULL, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_TIMEOUT);
    return NULL;
}

static void *list_all(void *conn)
{
    CHECK_INT(virConnectListAllDomainJobs(conn, NULL, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_TIMEOUT);
    return NULL;
}

static void *end_watch(void *watch)
{
    watch_end(watch);
    return NULL;
}

/** All at the same time, since each is waited for. */
static void give_up(virConnectPtr conn, virDomainPtr dom, struct watch *watch)
{
    pthread_t threads[3];
    time_t begun = time(NULL);
    size_t i;

    CHECK_INT(pthread_create(&threads[0], NULL, list_one, dom), 0);
    CHECK_INT(pthread_create(&threads[1], NULL, list_all, conn), 0);
    CHECK_INT(pthread_create(&threads[2], NULL, end_watch, watch), 0);
    for (i = 0; i < sizeof(threads) / sizeof(threads[0]); i++)
        CHECK_INT(pthread_join(threads[i], NULL), 0);
    CHECK(time(NULL) - begun < 60);
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    struct watch watch;
    pid_t daemon;
    char *name, *xml;
    time_t begun;
    int i;

    signal(SIGPIPE, SIG_IGN);
    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_real();
    dom = start_machine(conn, "kept", 1);
    quiet_errors();
    daemon = pid_in("libvirtd.pid");
    start_copy(dom, "vda", file_in_dir("kept", "copy"), SLOW, 0);
    name = only_job(dom);
    watch_real(&watch, conn, NULL);

    CHECK_INT(kill(daemon, SIGSTOP), 0);
    give_up(conn, dom, &watch);
    begun = time(NULL);
    CHECK_INT(virDomainJobControl(dom, name, VIR_DOMAIN_JOB_CONTROL_OPERATION_ABORT, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_TIMEOUT);
    CHECK_INT(virDomainJobWait(dom, name, 0, -1, 0), -1);
    CHECK_ERROR(VIR_ERR_OPERATION_TIMEOUT);
    CHECK(time(NULL) - begun < AT_ONCE);
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, VIR_DOMAIN_JOB_XML_NO_STATS)) != NULL);
    free(xml);

    CHECK_INT(kill(daemon, SIGCONT), 0);
    abort_after_hang(dom, name);
    free(name);
    end_machine(dom);
    /* What was left behind has come back. */
    for (i = 0; i < SOON / 50 && entries("/proc/self/task") > 3; i++)
        usleep(50000);
    CHECK_INT(entries("/proc/self/task"), 3);
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
