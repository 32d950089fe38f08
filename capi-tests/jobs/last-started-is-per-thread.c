/*
 * Each thread is told of the job that it started last itself, by whichever call; a call that failed started none, and
 * another domain has its own.
 */

#include <pthread.h>

#include "world.h"

#define COPY "<disk type='file'><source file='/copy'/></disk>"

static virConnectPtr conn;
static pthread_barrier_t together;

static void *start_one(void *opaque)
{
    const char *disk = opaque;
    virDomainPtr dom = domain_of(conn, "one");
    char *mine, *name;

    CHECK(virDomainJobLastStarted(dom, 0) == NULL);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN_JOB);
    mine = start_endless(dom, disk, 0);
    pthread_barrier_wait(&together);
    CHECK_HAS(mine, disk);
    name = last_started(dom);
    CHECK_STR(name, mine);
    free(name);
    end_job(dom, mine);
    CHECK_INT(virDomainFree(dom), 0);
    return NULL;
}

static void check_last(virDomainPtr dom, const char *stem)
{
    char *name = last_started(dom);

    CHECK(strncmp(name, stem, strlen(stem)) == 0);
    end_job(dom, name);
}

int main(void)
{
    pthread_t threads[2];
    virDomainPtr dom, other;
    char *name, *again;

    quiet_errors();
    conn = open_fixture("<node>" FIXTURE_DOMAIN("one", "") FIXTURE_DOMAIN("two", "") "</node>");
    CHECK_INT(pthread_barrier_init(&together, NULL, 2), 0);
    CHECK_INT(pthread_create(&threads[0], NULL, start_one, "vda"), 0);
    CHECK_INT(pthread_create(&threads[1], NULL, start_one, "vdb"), 0);
    CHECK_INT(pthread_join(threads[0], NULL), 0);
    CHECK_INT(pthread_join(threads[1], NULL), 0);
    pthread_barrier_destroy(&together);

    dom = domain_of(conn, "one");
    other = domain_of(conn, "two");
    CHECK(virDomainJobLastStarted(dom, 0) == NULL);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN_JOB);
    name = start_endless(dom, "vda", 0);
    CHECK_INT(virDomainBlockPull(dom, "vda", 0, 0), -1);
    virResetLastError();
    again = last_started(dom);
    CHECK_STR(again, name);
    free(again);
    CHECK(virDomainJobLastStarted(other, 0) == NULL);
    CHECK_ERROR(VIR_ERR_NO_DOMAIN_JOB);
    end_job(dom, name);

    CHECK_INT(virDomainBlockRebase(dom, "vda", "vda[1]", 1, 0), 0);
    check_last(dom, "block-pull-vda-");
    CHECK_INT(virDomainBlockRebase(dom, "vdb", "/copy", 1, VIR_DOMAIN_BLOCK_REBASE_COPY), 0);
    check_last(dom, "block-copy-vdb-");
    CHECK_INT(virDomainBlockCopy(other, "vdb", COPY, NULL, 0, 0), 0);
    check_last(other, "block-copy-vdb-");
    CHECK_INT(virDomainBlockCommit(dom, "vda", NULL, NULL, 1, VIR_DOMAIN_BLOCK_COMMIT_ACTIVE), 0);
    check_last(dom, "block-commit-active-vda-");
    CHECK_INT(virDomainBackupBegin(dom, A_PULL, NULL, 0), 0);
    check_last(dom, "block-backup-");
    CHECK_INT(virDomainFree(other), 0);
    close_world(dom, conn);
    return 0;
}
