/* A table of everything that has a number, a size or a text in the headers that this is compiled with. */

#include <stddef.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libvirt/libvirt-jobs.h>

#include "layout-entry.h"

#define VALUE(name) { #name, (long long)(name), NULL },
#define STRING(name) { #name, 0, name },
#define SIZE(type) { "sizeof " #type, (long long)sizeof(type), NULL },
#define FIELD(type, field) \
    { #type "." #field, (long long)offsetof(type, field), NULL }, \
    { "sizeof " #type "." #field, (long long)sizeof(((type *)0)->field), NULL },

extern const struct layout_entry TABLE[];

const struct layout_entry TABLE[] = {
#include "constants.inc"

    SIZE(virConnectAuth)
    FIELD(virConnectAuth, credtype)
    FIELD(virConnectAuth, ncredtype)
    FIELD(virConnectAuth, cb)
    FIELD(virConnectAuth, cbdata)

    SIZE(virConnectCredential)
    FIELD(virConnectCredential, type)
    FIELD(virConnectCredential, prompt)
    FIELD(virConnectCredential, challenge)
    FIELD(virConnectCredential, defresult)
    FIELD(virConnectCredential, result)
    FIELD(virConnectCredential, resultlen)

    SIZE(virDomainBlockInfo)
    FIELD(virDomainBlockInfo, capacity)
    FIELD(virDomainBlockInfo, allocation)
    FIELD(virDomainBlockInfo, physical)

    SIZE(virDomainBlockJobInfo)
    FIELD(virDomainBlockJobInfo, type)
    FIELD(virDomainBlockJobInfo, bandwidth)
    FIELD(virDomainBlockJobInfo, cur)
    FIELD(virDomainBlockJobInfo, end)

    SIZE(virDomainInfo)
    FIELD(virDomainInfo, state)
    FIELD(virDomainInfo, maxMem)
    FIELD(virDomainInfo, memory)
    FIELD(virDomainInfo, nrVirtCpu)
    FIELD(virDomainInfo, cpuTime)

    SIZE(virDomainJob)
    FIELD(virDomainJob, name)
    FIELD(virDomainJob, type)
    FIELD(virDomainJob, state)
    FIELD(virDomainJob, data)
    FIELD(virDomainJob, ndata)

    SIZE(virDomainJobInfo)
    FIELD(virDomainJobInfo, type)
    FIELD(virDomainJobInfo, timeElapsed)
    FIELD(virDomainJobInfo, timeRemaining)
    FIELD(virDomainJobInfo, dataTotal)
    FIELD(virDomainJobInfo, dataProcessed)
    FIELD(virDomainJobInfo, dataRemaining)
    FIELD(virDomainJobInfo, memTotal)
    FIELD(virDomainJobInfo, memProcessed)
    FIELD(virDomainJobInfo, memRemaining)
    FIELD(virDomainJobInfo, fileTotal)
    FIELD(virDomainJobInfo, fileProcessed)
    FIELD(virDomainJobInfo, fileRemaining)

    SIZE(virError)
    FIELD(virError, code)
    FIELD(virError, domain)
    FIELD(virError, message)
    FIELD(virError, level)
    FIELD(virError, str1)
    FIELD(virError, str2)
    FIELD(virError, str3)
    FIELD(virError, int1)
    FIELD(virError, int2)

    SIZE(virTypedParameter)
    FIELD(virTypedParameter, field)
    FIELD(virTypedParameter, type)
    FIELD(virTypedParameter, value)
    FIELD(virTypedParameter, value.i)
    FIELD(virTypedParameter, value.ui)
    FIELD(virTypedParameter, value.l)
    FIELD(virTypedParameter, value.ul)
    FIELD(virTypedParameter, value.d)
    FIELD(virTypedParameter, value.b)
    FIELD(virTypedParameter, value.s)

    SIZE(virDomainJobControlOperation)
    SIZE(virDomainJobControlOperations)
    SIZE(virDomainJobState)
    SIZE(virDomainJobType)
    SIZE(virErrorLevel)
    { NULL, 0, NULL },
};
