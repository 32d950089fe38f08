/* A call that a running job forbids says which: its name, its type, and since when it runs. */

#include "world.h"

/** The message must name the job, its type and a time of this century. */
static void check_says_who(int code, const char *name, const char *type)
{
    const char *message = virGetLastErrorMessage(), *since;

    CHECK_HAS(message, name);
    CHECK_HAS(message, type);
    CHECK((since = strstr(message, "since 20")) != NULL);
    CHECK(strlen(since) >= strlen("since 2026-11-24T07:04:47Z"));
    CHECK(since[16] == 'T' && since[25] == 'Z');
    CHECK_ERROR(code);
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    char *name;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");

    name = start_endless(dom, "vda", 0);
    CHECK_INT(virDomainBlockPull(dom, "vda", 0, 0), -1);
    check_says_who(VIR_ERR_OPERATION_UNSUPPORTED, name, "block-pull");
    end_job(dom, name);

    CHECK_INT(virDomainBlockCopy(dom, "vdb", "<disk type='file'><source file='/copy'/></disk>", NULL, 0, 0), 0);
    name = last_started(dom);
    CHECK_INT(virDomainBlockPull(dom, "vdb", 0, 0), -1);
    check_says_who(VIR_ERR_BLOCK_COPY_ACTIVE, name, "block-copy");
    end_job(dom, name);

    CHECK_INT(virDomainBackupBegin(dom, A_PULL, NULL, 0), 0);
    name = last_started(dom);
    CHECK_INT(virDomainBackupBegin(dom, "<domainbackup/>", NULL, 0), -1);
    check_says_who(VIR_ERR_OPERATION_TIMEOUT, name, "block-backup");
    CHECK_INT(virDomainBlockPull(dom, "vda", 0, 0), -1);
    check_says_who(VIR_ERR_OPERATION_UNSUPPORTED, name, "block-backup");
    end_job(dom, name);
    close_world(dom, conn);
    return 0;
}
