/* The older calls and events for "the domain's job". */
#include "oracle.h"

#include <stdio.h>
#include <string.h>

static int completed_watch;

/* Times and amounts differ from run to run; whether they are there does not. */
static void show_params(const char *label, const virTypedParameter *params, int n)
{
    char text[1024] = "";
    size_t used = 0;
    int i;

    for (i = 0; i < n && used < sizeof(text); i++) {
        const virTypedParameter *p = &params[i];

        /* Not there as long as nothing was measured. */
        if (strcmp(p->field, VIR_DOMAIN_JOB_MEMORY_BPS) == 0)
            continue;
        if (p->type == VIR_TYPED_PARAM_STRING)
            used += (size_t)snprintf(text + used, sizeof(text) - used, " %s='%s'", p->field, p->value.s);
        else if (p->type == VIR_TYPED_PARAM_BOOLEAN)
            used += (size_t)snprintf(text + used, sizeof(text) - used, " %s=%s", p->field, p->value.b ? "yes" : "no");
        else if (strcmp(p->field, VIR_DOMAIN_JOB_OPERATION) == 0)
            used += (size_t)snprintf(text + used, sizeof(text) - used, " %s=%d", p->field, p->value.i);
        else
            used += (size_t)snprintf(text + used, sizeof(text) - used, " %s", p->field);
    }
    record_event("%s%s", label, text);
}

static void on_completed(virConnectPtr conn, virDomainPtr dom, virTypedParameterPtr params, int n, void *opaque)
{
    (void)conn;
    (void)dom;
    (void)opaque;
    show_params("job-completed", params, n);
}

void completions_watch(struct machine *m)
{
    completed_watch = virConnectDomainEventRegisterAny(m->conn, m->dom, VIR_DOMAIN_EVENT_ID_JOB_COMPLETED,
                                                       VIR_DOMAIN_EVENT_CALLBACK(on_completed), NULL, NULL);
    if (completed_watch < 0)
        give_up("virConnectDomainEventRegisterAny");
}

void completions_unwatch(struct machine *m)
{
    virConnectDomainEventDeregisterAny(m->conn, completed_watch);
}

void show_domain_job(struct machine *m)
{
    virDomainJobInfo info;

    memset(&info, 0, sizeof(info));
    if (CALL(virDomainGetJobInfo(m->dom, &info)) < 0)
        return;
    say("  type %d, data %s, mem %s, file %s", info.type, info.dataTotal ? "known" : "0", info.memTotal ? "known" : "0",
        info.fileTotal ? "known" : "0");
}

int show_domain_job_stats(struct machine *m, unsigned int flags)
{
    virTypedParameterPtr params = NULL;
    int type = -1, n = 0;

    if (CALL(virDomainGetJobStats(m->dom, &type, &params, &n, flags)) < 0)
        return -1;
    say("  type %d", type);
    show_params("  stats", params, n);
    show_late_events();
    virTypedParamsFree(params, n);
    return type;
}
