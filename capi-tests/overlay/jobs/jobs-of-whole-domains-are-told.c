/*
 * A backup of several disks is one job; saves and dumps are jobs of the domain, by whomever they are started. With somebody
 * listening each has its events, also if the loop runs only when all is over. Nothing of that harms libvirtd or QEMU.
 */

#include "overlay/jobs/machine.h"

static void virsh(const char *what, const char *a, const char *b)
{
    char command[2048];

    snprintf(command, sizeof(command), "virsh -q -c \"$ORACLE_URI\" %s %s %s", what, a, b);
    CHECK_INT(system(command), 0);
}

static virDomainPtr restored(virConnectPtr conn, const char *file)
{
    CHECK_INT(virDomainRestore(conn, file), 0);
    return domain_of(conn, "whole");
}

int main(void)
{
    virConnectPtr conn;
    virDomainPtr dom;
    struct watch watch;
    const char *saved = file_in_dir("whole", "saved");
    char backup[1024], saved_to[512];
    FILE *file;
    int i;

    CHECK_INT(virEventRegisterDefaultImpl(), 0);
    conn = open_real();
    quiet_errors();
    strcpy(saved_to, saved);
    dom = start_machine(conn, "whole", 2);
    watch_real(&watch, conn, dom);

    snprintf(backup, sizeof(backup), "<domainbackup><disks><disk name='vda' type='file'><target file='%s'/></disk>"
             "<disk name='vdb' type='file'><target file='%s'/></disk></disks></domainbackup>",
             file_in_dir("whole", "a"), file_in_dir("whole", "b"));
    CHECK((file = fopen(file_in_dir("whole", "xml"), "w")) != NULL);
    CHECK(fputs(backup, file) >= 0);
    CHECK_INT(fclose(file), 0);
    virsh("backup-begin", "whole", file_in_dir("whole", "xml"));
    await_note(&watch, "block-backup-1 completed;");
    CHECK(strstr(watch.seen, "block-backup-1 running;") != NULL);

    virsh("dump --memory-only", "whole", file_in_dir("whole", "dump"));
    await_note(&watch, "dump-2 completed;");
    virsh("dump", "whole", file_in_dir("whole", "dump"));
    await_note(&watch, "dump-3 completed;");
    virsh("save", "whole", saved_to);
    await_note(&watch, "save-4 completed;");
    CHECK(strstr(watch.seen, "failed;") == NULL);
    virDomainFree(dom);

    /* Listing as often as can be while pulls come and go does QEMU no harm. */
    dom = restored(conn, saved_to);
    for (i = 0; i < 5; i++) {
        virDomainBlockJobInfo info;

        CHECK_INT(virDomainSnapshotNum(dom, 0), 0);
        virsh("blockpull", "whole", "vda");
        while (virDomainGetBlockJobInfo(dom, "vda", &info, 0) == 1)
            CHECK(virDomainJobList(dom, NULL, VIR_DOMAIN_JOB_LIST_STATS) >= 0);
    }
    CHECK_INT(virDomainIsActive(dom), 1);
    CHECK_STR(listed(dom, VIR_DOMAIN_JOB_LIST_DOMAIN), "");

    watch_end(&watch);
    end_machine(dom);
    return 0;
}
