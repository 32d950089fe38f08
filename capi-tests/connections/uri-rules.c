/* Which URI belongs to whom, and what is said of those that nobody can open. */

#include "world.h"

static void check_opens(const char *uri)
{
    CHECK_INT(virConnectClose(open_world(uri)), 0);
}

static void check_refused(const char *uri, int code, const char *words)
{
    CHECK(virConnectOpen(uri) == NULL);
    CHECK_ERROR_SAYS(code, words);
    CHECK(virConnectOpenReadOnly(uri) == NULL);
    CHECK_ERROR_SAYS(code, words);
    CHECK(virConnectOpenAuth(uri, NULL, 0) == NULL);
    CHECK_ERROR_SAYS(code, words);
}

int main(void)
{
    CHECK_INT(setenv("VIRT_JOBS_LIBVIRT", "/no/such/libvirt.so.0", 1), 0);
    quiet_errors();
    check_opens("test:///default");
    check_opens("test+jobs:///default");
    check_opens("test+jobs:///%64efault");

    check_refused("test+jobs://host/default", VIR_ERR_INVALID_ARG, "'test+jobs://host/default'");
    check_refused("test+jobs:///default?x=1", VIR_ERR_INVALID_ARG, "query");
    check_refused("test+jobs:///default#x", VIR_ERR_INVALID_ARG, "fragment");
    check_refused("test+jobs:///", VIR_ERR_INVALID_ARG, "no path");
    check_refused("test+jobs:", VIR_ERR_INVALID_ARG, "SCHEME:///PATH");
    check_refused("test+jobs:default", VIR_ERR_INVALID_ARG, "SCHEME:///PATH");
    check_refused("test+jobs:///a%", VIR_ERR_INVALID_ARG, "%");
    check_refused("test+jobs:///a%00b", VIR_ERR_INVALID_ARG, "path");
    check_refused("test+jobs:///no/such/world.xml", VIR_ERR_SYSTEM_ERROR, "/no/such/world.xml");
    check_refused("test+jobs:////", VIR_ERR_SYSTEM_ERROR, "'//'");

    check_refused("qemu+qmp://host/run/vms", VIR_ERR_INVALID_ARG, "host");
    check_refused("qemu+qmp:///", VIR_ERR_INVALID_ARG, "no path");
    CHECK(virConnectOpen("qemu+qmp:///no/such/directory") == NULL);
    CHECK_HAS(virGetLastErrorMessage(), "/no/such/directory");

    /* What no driver of ours knows goes to libvirt, which is missing. */
    CHECK(virConnectOpen("no-such-hypervisor:///x") == NULL);
    CHECK(virGetLastErrorCode() != VIR_ERR_OK);
    CHECK_HAS(virGetLastErrorMessage(), "no-such-hypervisor");
    CHECK(virConnectOpen("\xff\xfe:///x") == NULL);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);

    /* Without a name the environment says which. */
    CHECK_INT(unsetenv("LIBVIRT_DEFAULT_URI"), 0);
    CHECK_INT(setenv("LIBVIRT_DEFAULT_URI", DEFAULT_URI, 1), 0);
    check_opens(NULL);
    check_opens("");
    CHECK_INT(setenv("LIBVIRT_DEFAULT_URI", "test+jobs:///no/such/world.xml", 1), 0);
    check_refused(NULL, VIR_ERR_SYSTEM_ERROR, "/no/such/world.xml");
    return 0;
}
