/* stand-in.c: see stand-in.h */

#include <stdarg.h>

#include "stand-in.h"

static char connection[1024];

void *virConnectOpen(const char *name)
{
    (void)name;
    return connection;
}

int virConnectClose(void *conn)
{
    return conn == connection ? 0 : -1;
}

long virStorageVolCreateXMLFrom(void *handle, long a, long b, long c, long d, long e, double f, double g, double h, double i,
                       double j, double k, double l, double m, long n, double o, char p)
{
    return handle == connection && a == 1 && b == 2 && c == 3 && d == 4 && e == 5 && f == 6.5 && g == 7.5 && h == 8.5 &&
                   i == 9.5 && j == 10.5 && k == 11.5 && l == 12.5 && m == 13.5 && n == 14 && o == 15.5 && p == 'p'
               ? 1L << 40
               : 0;
}

double virDomainGetHostname(void *handle, float a, double b)
{
    return handle == connection ? a * b : 0;
}

struct large virDomainGetCPUStats(void *handle, long a, double b)
{
    struct large result = { { 1, 2, 3, 4, a }, handle == connection ? b : 0 };

    return result;
}

long virDomainPinVcpu(void *handle, const char *format, ...)
{
    va_list arguments;
    long sum = handle == connection ? 0 : -1000;

    va_start(arguments, format);
    for (; *format; ++format)
        sum += *format == 'd' ? (long)va_arg(arguments, double) : va_arg(arguments, long);
    va_end(arguments);
    return sum;
}
