/* What is printed of calls, jobs and states. */
#include "oracle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int verbose;

void say(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

void give_up(const char *format, ...)
{
    va_list args;

    printf("GIVEN UP: ");
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
    /* Not exit(): the event loop's thread may be in the middle of anything. */
    _Exit(1);
}

void too_late(const char *what)
{
    say("TOO LATE: %s", what);
    _Exit(TOO_LATE_STATUS);
}

const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static const char *error_name(int code)
{
    static const struct {
        int code;
        const char *name;
    } names[] = {
        {VIR_ERR_INTERNAL_ERROR, "INTERNAL_ERROR"},
        {VIR_ERR_NO_MEMORY, "NO_MEMORY"},
        {VIR_ERR_NO_SUPPORT, "NO_SUPPORT"},
        {VIR_ERR_NO_CONNECT, "NO_CONNECT"},
        {VIR_ERR_INVALID_CONN, "INVALID_CONN"},
        {VIR_ERR_INVALID_DOMAIN, "INVALID_DOMAIN"},
        {VIR_ERR_INVALID_ARG, "INVALID_ARG"},
        {VIR_ERR_OPERATION_FAILED, "OPERATION_FAILED"},
        {VIR_ERR_NO_NAME, "NO_NAME"},
        {VIR_ERR_DOM_EXIST, "DOM_EXIST"},
        {VIR_ERR_NO_SOURCE, "NO_SOURCE"},
        {VIR_ERR_OPERATION_DENIED, "OPERATION_DENIED"},
        {VIR_ERR_XML_ERROR, "XML_ERROR"},
        {VIR_ERR_SYSTEM_ERROR, "SYSTEM_ERROR"},
        {VIR_ERR_RPC, "RPC"},
        {VIR_ERR_NO_DOMAIN, "NO_DOMAIN"},
        {VIR_ERR_OPERATION_INVALID, "OPERATION_INVALID"},
        {VIR_ERR_XML_DETAIL, "XML_DETAIL"},
        {VIR_ERR_CONFIG_UNSUPPORTED, "CONFIG_UNSUPPORTED"},
        {VIR_ERR_OPERATION_TIMEOUT, "OPERATION_TIMEOUT"},
        {VIR_ERR_OPERATION_ABORTED, "OPERATION_ABORTED"},
        {VIR_ERR_BLOCK_COPY_ACTIVE, "BLOCK_COPY_ACTIVE"},
        {VIR_ERR_OPERATION_UNSUPPORTED, "OPERATION_UNSUPPORTED"},
        {VIR_ERR_ARGUMENT_UNSUPPORTED, "ARGUMENT_UNSUPPORTED"},
        {VIR_ERR_OVERFLOW, "OVERFLOW"},
        {VIR_ERR_XML_INVALID_SCHEMA, "XML_INVALID_SCHEMA"},
        {VIR_ERR_MIGRATE_FINISH_OK, "MIGRATE_FINISH_OK"},
        {VIR_ERR_RESOURCE_BUSY, "RESOURCE_BUSY"},
        {VIR_ERR_NO_DOMAIN_CHECKPOINT, "NO_DOMAIN_CHECKPOINT"},
        {VIR_ERR_NO_DOMAIN_BACKUP, "NO_DOMAIN_BACKUP"},
    };
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].code == code)
            return names[i].name;
    }
    return "?";
}

static void report_line(const char *call, const char *result)
{
    virErrorPtr error = virGetLastError();

    if (!error || error->code == VIR_ERR_OK)
        say("%s = %s", call, result);
    else if (verbose)
        say("%s = %s, error %d %s, domain %d: %s", call, result, error->code, error_name(error->code), error->domain,
            error->message ? error->message : "no message");
    else
        say("%s = %s, error %d %s", call, result, error->code, error_name(error->code));
}

int report(const char *call, int result)
{
    char number[16];

    snprintf(number, sizeof(number), "%d", result);
    report_line(call, number);
    return result;
}

void *report_pointer(const char *call, void *result)
{
    report_line(call, result ? "something" : "NULL");
    return result;
}

const char *block_job_type(int type)
{
    static const char *const names[] = {"unknown", "pull", "copy", "commit", "active-commit", "backup"};

    return type >= 0 && (size_t)type < sizeof(names) / sizeof(names[0]) ? names[type] : "?";
}

const char *block_job_status(int status)
{
    static const char *const names[] = {"completed", "failed", "canceled", "ready"};

    return status >= 0 && (size_t)status < sizeof(names) / sizeof(names[0]) ? names[status] : "?";
}

const char *lifecycle_event(int event)
{
    static const char *const names[] = {"defined", "undefined", "started",     "suspended", "resumed",
                                        "stopped", "shutdown",  "pmsuspended", "crashed"};

    return event >= 0 && (size_t)event < sizeof(names) / sizeof(names[0]) ? names[event] : "?";
}

void show_job(const struct machine *m, const char *disk)
{
    virDomainBlockJobInfo mib, bytes;
    int found, again;

    memset(&mib, 0, sizeof(mib));
    memset(&bytes, 0, sizeof(bytes));
    virResetLastError();
    found = virDomainGetBlockJobInfo(m->dom, disk, &mib, 0);
    if (found != 1) {
        report("virDomainGetBlockJobInfo", found);
        return;
    }
    again = virDomainGetBlockJobInfo(m->dom, disk, &bytes, VIR_DOMAIN_BLOCK_JOB_INFO_BANDWIDTH_BYTES);
    say("virDomainGetBlockJobInfo = 1: %s, %lu MiB/s, %lu bytes/s%s, end %s, cur %s", block_job_type(mib.type),
        mib.bandwidth, bytes.bandwidth, again == 1 ? "" : " (second call failed)", mib.end > 0 ? "known" : "0",
        mib.cur > mib.end ? "past end" : mib.cur == mib.end ? "at end" : "before end");
}

void show_state(const struct machine *m)
{
    static const char *const names[] = {"nostate", "running", "blocked", "paused", "shutdown",
                                        "shutoff", "crashed", "pmsuspended"};
    virDomainInfo info;
    int state = -1, reason = -1, result;

    virResetLastError();
    result = virDomainGetState(m->dom, &state, &reason, 0);
    if (result < 0) {
        report("virDomainGetState", result);
        return;
    }
    say("virDomainGetState = %d: %s, reason %d", result, state >= 0 && state < 8 ? names[state] : "?", reason);
    result = virDomainGetInfo(m->dom, &info);
    if (result < 0)
        report("virDomainGetInfo", result);
    else
        say("virDomainGetInfo = %d: %s, memory %lu of %lu KiB, %u vcpu", result,
            info.state < 8 ? names[info.state] : "?", info.memory, info.maxMem, info.nrVirtCpu);
}
