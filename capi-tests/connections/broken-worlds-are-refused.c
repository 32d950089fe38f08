/*
 * A fixture that is no XML, or not the XML of a world, is refused with an error that names the file; so is one that is
 * made to use up memory or stack. None of them opens half.
 */

#include "world.h"

struct broken {
    const char *xml;
    int code;
};

static void check_refused(const char *xml, int code)
{
    CHECK(try_fixture(xml) == NULL);
    CHECK_HAS(virGetLastErrorMessage(), "virt-jobs-");
    if (code)
        CHECK_INT(virGetLastErrorCode(), code);
    CHECK(strstr(virGetLastErrorMessage(), "panic") == NULL);
    virResetLastError();
}

int main(void)
{
    static const struct broken all[] = {
        { "", 0 },
        { "no xml", 0 },
        { "<node>", 0 },
        { "<node></domain>", 0 },
        { "<node><domain type='test'></node>", 0 },
        { "<node/><node/>", 0 },
        { "<node a='1' a='2'/>", 0 },
        { "<node>&undefined;</node>", 0 },
        { "<node>\x01</node>", 0 },
        { "<node>\xff</node>", 0 },
        { "<!DOCTYPE node [<!ENTITY a 'aaaa'>]><node>&a;</node>", 0 },
        { "<!DOCTYPE node [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><node>&f;</node>", 0 },
        { "<world/>", VIR_ERR_XML_ERROR },
        { "<node><domain type='test'><memory>1024</memory></domain></node>", 0 },
        { "<node><domain type='test'><name>a</name><memory>lots</memory></domain></node>", 0 },
        { "<node><domain type='test'><name>a</name><uuid>no-uuid</uuid><memory>1</memory></domain></node>", 0 },
        { "<node>" FIXTURE_DOMAIN("test", "") FIXTURE_DOMAIN("test", "") "</node>", VIR_ERR_OPERATION_FAILED },
    };
    const size_t size = 128 << 10;
    char *deep;
    size_t i;

    quiet_errors();
    for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        check_refused(all[i].xml, all[i].code);

    CHECK((deep = malloc(size + 1)) != NULL);
    for (i = 0; i + 3 <= size; i += 3)
        memcpy(deep + i, "<a>", 3);
    deep[i] = '\0';
    check_refused(deep, 0);
    memset(deep, '<', size);
    deep[size] = '\0';
    check_refused(deep, 0);
    free(deep);
    CHECK_INT(virConnectClose(open_fixture("<node/>")), 0);
    return 0;
}
