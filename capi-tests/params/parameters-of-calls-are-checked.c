/* Calls that take parameters refuse those that they do not know, of a wrong type, given twice, or missing altogether. */

#include "calls.h"

#define PATH "<disk type='file'><source file='/guest/copy'/></disk>"

static virDomainPtr dom;

struct params {
    virTypedParameterPtr all;
    int count, room;
};

static void check_copy_refused(struct params *params, int code, const char *words)
{
    CHECK_INT(virDomainBlockCopy(dom, "vda", PATH, params->all, params->count, 0), -1);
    CHECK_ERROR_SAYS(code, words);
    virTypedParamsFree(params->all, params->count);
    memset(params, 0, sizeof(*params));
}

int main(void)
{
    struct params params = {0};
    virConnectPtr conn;
    char *name, *xml;

    quiet_errors();
    conn = open_world(DEFAULT_URI);
    dom = domain_of(conn, "test");

#define ADD(type, field, value) CHECK_INT(virTypedParamsAdd##type(&params.all, &params.count, &params.room, field, value), 0)
    ADD(ULLong, "no-such-parameter", 1);
    check_copy_refused(&params, VIR_ERR_ARGUMENT_UNSUPPORTED, "no-such-parameter");
    ADD(UInt, VIR_DOMAIN_BLOCK_COPY_BANDWIDTH, 1);
    check_copy_refused(&params, VIR_ERR_INVALID_ARG, "uint");
    ADD(ULLong, VIR_DOMAIN_BLOCK_COPY_BANDWIDTH, 1);
    ADD(ULLong, VIR_DOMAIN_BLOCK_COPY_BANDWIDTH, 1);
    check_copy_refused(&params, VIR_ERR_INVALID_ARG, "multiple");
    ADD(UInt, VIR_DOMAIN_BLOCK_COPY_GRANULARITY, 65535);
    check_copy_refused(&params, VIR_ERR_INVALID_ARG, "granularity");
    CHECK_INT(virDomainBlockCopy(dom, "vda", PATH, NULL, 1, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "params");
    CHECK_INT(virDomainBlockCopy(dom, "vda", PATH, NULL, -1, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "nparams");
    CHECK_INT(virDomainJobList(dom, NULL, 0), 0);

    CHECK_INT(virDomainRestoreParams(conn, NULL, 0, 0), -1);
    CHECK_ERROR(VIR_ERR_INVALID_ARG);
    CHECK_INT(virDomainMigrateToURI3(dom, NULL, NULL, 0, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_INVALID_ARG, "migrate_uri");
    CHECK_INT(virDomainMigrateToURI3(dom, NULL, file_param(), 1, 0), -1);
    CHECK_ERROR_SAYS(VIR_ERR_ARGUMENT_UNSUPPORTED, "file");

    /* What is right is taken, and shows. */
    ADD(ULLong, VIR_DOMAIN_BLOCK_COPY_BANDWIDTH, 12345);
    ADD(UInt, VIR_DOMAIN_BLOCK_COPY_GRANULARITY, 65536);
    ADD(ULLong, VIR_DOMAIN_BLOCK_COPY_BUF_SIZE, 1 << 20);
    CHECK_INT(virDomainBlockCopy(dom, "vda", PATH, params.all, params.count, 0), 0);
    virTypedParamsFree(params.all, params.count);
    name = last_started(dom);
    CHECK((xml = virDomainJobGetXMLDesc(dom, name, 0)) != NULL);
    CHECK_HAS(xml, "<bandwidth unit='bytes/s'>12345</bandwidth>");
    free(xml);
    end_job(dom, name);
    close_world(dom, conn);
    return 0;
}
