/* The name of a job of ours says what it is and on which disk: TYPE-DISK-N, or TYPE-N if there is no one disk. */

#include "world.h"

static void check_name(virDomainPtr dom, const char *stem)
{
    char *name = last_started(dom), *end;
    size_t length = strlen(stem);

    CHECK(strncmp(name, stem, length) == 0);
    CHECK(name[length] >= '1' && name[length] <= '9');
    CHECK(strtoul(name + length, &end, 10) > 0);
    CHECK_STR(end, "");
    free(name);
}

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    virDomainPtr dom = domain_of(conn, "test");
    unsigned int flags = VIR_DOMAIN_JOB_START_PARALLEL;

    CHECK_INT(virDomainBlockPull(dom, "vda", 1, flags), 0);
    check_name(dom, "block-pull-vda-");
    CHECK_INT(virDomainBlockPull(dom, "/guest/diskimage2", 1, flags), 0);
    check_name(dom, "block-pull-vdb-");
    CHECK_INT(virDomainBlockCopy(dom, "vdb", "<disk type='file'><source file='/copy'/></disk>", NULL, 0, flags), 0);
    check_name(dom, "block-copy-vdb-");
    CHECK_INT(virDomainBlockCommit(dom, "vda", NULL, "vda[2]", 1, flags), 0);
    check_name(dom, "block-commit-vda-");
    CHECK_INT(virDomainBlockCommit(dom, "vda", NULL, NULL, 1, flags | VIR_DOMAIN_BLOCK_COMMIT_ACTIVE), 0);
    check_name(dom, "block-commit-active-vda-");
    CHECK_INT(virDomainBackupBegin(dom, "<domainbackup/>", NULL, flags), 0);
    check_name(dom, "block-backup-");
    CHECK_INT(virDomainBackupBegin(dom, "<domainbackup><disks><disk name='vdb' type='file'/></disks></domainbackup>", NULL,
                                   flags), 0);
    check_name(dom, "block-backup-vdb-");
    CHECK_INT(virDomainCoreDump(dom, "names-of-a-dump", flags), 0);
    check_name(dom, "dump-");
    CHECK_INT(unlink("names-of-a-dump"), 0);
    CHECK_INT(virDomainSave(dom, "names-of-a-save"), -1);
    CHECK_INT(virDomainSaveFlags(dom, "names-of-a-save", NULL, flags), 0);
    check_name(dom, "save-");
    CHECK_INT(unlink("names-of-a-save"), 0);
    close_world(dom, conn);
    return 0;
}
