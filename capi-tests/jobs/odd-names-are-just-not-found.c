/* A job can be asked for by any bytes: huge names, control characters and what is not UTF-8 are told to be no job. */

#include "world.h"

#define HUGE (1 << 20)

static void check_refused(virDomainPtr dom, const char *name)
{
    const int codes[] = { VIR_ERR_NO_DOMAIN_JOB, VIR_ERR_INVALID_ARG };
    int i, found;

    for (i = 0; i < 4; i++) {
        switch (i) {
        case 0: CHECK(virDomainJobGetXMLDesc(dom, name, 0) == NULL); break;
        case 1: CHECK_INT(control(dom, name, ABORT), -1); break;
        case 2: CHECK_INT(virDomainJobSetSpeed(dom, name, 1, 0), -1); break;
        case 3: CHECK_INT(virDomainJobWait(dom, name, 0, 0, 0), -1); break;
        }
        found = virGetLastErrorCode();
        CHECK(found == codes[0] || found == codes[1]);
        CHECK_ERROR(found);
    }
}

int main(void)
{
    const char *odd[] = {
        "\x01\x02\x7f", "\xff\xfe", "\xc3", "a\xf0\x9f", "line\nbreak", "<job/>", "%s%n%n", "../..", "\xc3\xa9", "a b", "#2",
    };
    virConnectPtr conn;
    virDomainPtr dom;
    char *huge;
    size_t i;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");
    for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
        check_refused(dom, odd[i]);
    CHECK((huge = malloc(HUGE)) != NULL);
    memset(huge, 'x', HUGE);
    huge[HUGE - 1] = '\0';
    check_refused(dom, huge);
    memset(huge, 0xff, HUGE - 1);
    check_refused(dom, huge);
    free(huge);
    close_world(dom, conn);
    return 0;
}
