/*
 * stand-in.h: functions with libvirt's names and prototypes of their own
 *
 * stand-in.c is a library that the drop-in takes for the real libvirt; its functions take and return what calls of C can.
 */

#ifndef STAND_IN_H
#define STAND_IN_H

struct large {
    long words[5];
    double number;
};

/* Integers and numbers in registers of either kind and on the stack. */
long virStorageVolCreateXMLFrom(void *handle, long a, long b, long c, long d, long e, double f, double g, double h, double i,
                       double j, double k, double l, double m, long n, double o, char p);

double virDomainGetHostname(void *handle, float a, double b);

struct large virDomainGetCPUStats(void *handle, long a, double b);

long virDomainPinVcpu(void *handle, const char *format, ...);

#endif /* STAND_IN_H */
