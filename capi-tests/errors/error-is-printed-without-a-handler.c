/* An error that nobody has a handler for is printed on stderr in one line, as libvirt prints it. */

#include <fcntl.h>

#include "world.h"

static char printed[4096];

/** Runs something and keeps what it prints on stderr. */
static void capture(void (*what)(virConnectPtr), virConnectPtr conn)
{
    int ends[2], real = dup(STDERR_FILENO);
    ssize_t got;

    CHECK(real >= 0);
    CHECK_INT(pipe(ends), 0);
    CHECK(dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    what(conn);
    CHECK(dup2(real, STDERR_FILENO) == STDERR_FILENO);
    close(real);
    close(ends[1]);
    CHECK((got = read(ends[0], printed, sizeof(printed) - 1)) >= 0);
    printed[got] = '\0';
    close(ends[0]);
}

static void look_up_nobody(virConnectPtr conn)
{
    CHECK(virDomainLookupByName(conn, "nobody") == NULL);
}

static void look_up_null(virConnectPtr conn)
{
    CHECK(virDomainLookupByName(conn, NULL) == NULL);
}

static void succeed(virConnectPtr conn)
{
    CHECK_INT(virConnectNumOfDomains(conn), 1);
}

static void print_again(virConnectPtr conn)
{
    (void)conn;
    virDefaultErrorFunc(virGetLastError());
    virDefaultErrorFunc(NULL);
}

int main(void)
{
    virConnectPtr conn = open_world(DEFAULT_URI);

    capture(look_up_nobody, conn);
    CHECK_STR(printed, "libvirt: Test Driver error : Domain not found: no domain with matching name 'nobody'\n");
    capture(print_again, conn);
    CHECK_STR(printed, "libvirt: Test Driver error : Domain not found: no domain with matching name 'nobody'\n");
    capture(look_up_null, conn);
    CHECK_STR(printed, "libvirt: Domain Config error : name in virDomainLookupByName must not be NULL\n");
    capture(succeed, conn);
    CHECK_STR(printed, "");

    quiet_errors();
    capture(look_up_nobody, conn);
    CHECK_STR(printed, "");
    virSetErrorFunc(NULL, NULL);
    capture(look_up_nobody, conn);
    CHECK_HAS(printed, "no domain with matching name 'nobody'");
    CHECK_INT(virConnectClose(conn), 0);
    return 0;
}
