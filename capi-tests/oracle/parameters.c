/* What jobs are started with. */
#include "oracle.h"

#include <stdio.h>
#include <string.h>

const char *copy_xml(const struct machine *m, const char *file, const char *format)
{
    static char xml[PATH_SIZE + 128];

    snprintf(xml, sizeof(xml), "<disk type='file'><source file='%s'/><driver type='%s'/></disk>", path_of(m, file),
             format);
    return xml;
}

virTypedParameter bandwidth_parameter(unsigned long long bytes)
{
    virTypedParameter parameter;

    memset(&parameter, 0, sizeof(parameter));
    strcpy(parameter.field, VIR_DOMAIN_BLOCK_COPY_BANDWIDTH);
    parameter.type = VIR_TYPED_PARAM_ULLONG;
    parameter.value.ul = bytes;
    return parameter;
}

virTypedParameter number_parameter(const char *name, unsigned int value)
{
    virTypedParameter parameter;

    memset(&parameter, 0, sizeof(parameter));
    snprintf(parameter.field, sizeof(parameter.field), "%s", name);
    parameter.type = VIR_TYPED_PARAM_UINT;
    parameter.value.ui = value;
    return parameter;
}

void start_slow_copy(struct machine *m, unsigned int flags)
{
    virTypedParameter slow = bandwidth_parameter(SLOW);

    CALL(virDomainBlockCopy(m->dom, "vda", copy_xml(m, "copy.qcow2", "qcow2"), &slow, 1, flags));
}
