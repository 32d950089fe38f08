/*
 * An event says of which domain and of what type the job is. Who asked for one domain hears of that alone; who asked for
 * all hears of all.
 */

#include "watch.h"

struct heard {
    int times;
    char domain[32];
    int type;
};

static void on_state(virConnectPtr conn, virDomainPtr dom, const char *name, virDomainJobType type, virDomainJobState state,
                     void *opaque)
{
    struct heard *heard = opaque;

    (void)conn;
    CHECK(*name);
    CHECK(state != VIR_DOMAIN_JOB_STATE_NONE);
    heard->times++;
    heard->type = type;
    snprintf(heard->domain, sizeof(heard->domain), "%s", virDomainGetName(dom));
}

static int watch_one(virConnectPtr conn, virDomainPtr dom, struct heard *heard)
{
    int id = virConnectDomainEventRegisterAny(conn, dom, VIR_DOMAIN_EVENT_ID_JOB_STATE, VIR_DOMAIN_EVENT_CALLBACK(on_state),
                                              heard, NULL);

    CHECK(id >= 0);
    return id;
}

int main(void)
{
    struct heard all = {0}, one = {0}, elsewhere = {0};
    virConnectPtr conn, other;
    virDomainPtr doms[2];
    int ids[3];

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_fixture("<node>" FIXTURE_DOMAIN("one", "") FIXTURE_DOMAIN("two", "") "</node>");
    other = open_fixture("<node>" FIXTURE_DOMAIN("one", "") "</node>");
    doms[0] = domain_of(conn, "one");
    doms[1] = domain_of(conn, "two");
    ids[0] = watch_one(conn, NULL, &all);
    ids[1] = watch_one(conn, doms[0], &one);
    ids[2] = watch_one(other, NULL, &elsewhere);

    end_job(doms[1], start_endless(doms[1], "vda", 0));
    run_loop_for_what_waits();
    CHECK_INT(all.times, 2);
    CHECK_STR(all.domain, "two");
    CHECK_INT(all.type, VIR_DOMAIN_JOB_TYPE_BLOCK_PULL);
    CHECK_INT(one.times, 0);

    CHECK_INT(virDomainBlockCommit(doms[0], "vda", NULL, NULL, 1, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE), 0);
    end_job(doms[0], last_started(doms[0]));
    run_loop_for_what_waits();
    CHECK_INT(all.times, 4);
    CHECK_INT(one.times, 2);
    CHECK_STR(one.domain, "one");
    CHECK_INT(one.type, VIR_DOMAIN_JOB_TYPE_BLOCK_COMMIT_ACTIVE);
    CHECK_INT(elsewhere.times, 0);

    CHECK_INT(virConnectDomainEventDeregisterAny(conn, ids[0]), 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(conn, ids[1]), 0);
    CHECK_INT(virConnectDomainEventDeregisterAny(other, ids[2]), 0);
    CHECK_INT(virDomainFree(doms[0]), 0);
    close_world(doms[1], conn);
    CHECK_INT(virConnectClose(other), 0);
    return 0;
}
