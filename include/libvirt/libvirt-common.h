/*
 * libvirt-common.h: what every other header builds on
 *
 * SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Generated from the Rust sources of virt-jobs; change those and run "make headers".
 */

#ifndef __VIR_VIRCOMMON_H__
#define __VIR_VIRCOMMON_H__

#include <stddef.h>
#include <sys/types.h>

/** This tree declares the jobs itself; libvirt-jobs.h on top of libvirt's own headers does not find it set. */
#define VIRT_JOBS_OWN_TREE 1

#ifndef VIR_DEPRECATED
# ifdef __GNUC__
#  define VIR_DEPRECATED __attribute__((__deprecated__))
# else
#  define VIR_DEPRECATED
# endif
#endif

#ifndef VIR_EXPORT_VAR
# define VIR_EXPORT_VAR extern
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The version of libvirt whose interface this is, as major * 1000000 + minor * 1000 + micro. */
#define LIBVIR_VERSION_NUMBER 9000000

/** Why a connection closed, as a close callback is told. */
enum _virConnectCloseReason {
    /** An error of the transport. */
    VIR_CONNECT_CLOSE_REASON_ERROR = 0,
    /** The other side hung up. */
    VIR_CONNECT_CLOSE_REASON_EOF = 1,
    /** The other side no longer answers. */
    VIR_CONNECT_CLOSE_REASON_KEEPALIVE = 2,
    /** The application asked for it. */
    VIR_CONNECT_CLOSE_REASON_CLIENT = 3,
#if defined(VIR_ENUM_SENTINELS)
    VIR_CONNECT_CLOSE_REASON_LAST,
#endif
};

/** Releases what was registered together with a callback, once it will not be called again. */
typedef void (*virFreeCallback)(void *opaque);

typedef enum _virConnectCloseReason virConnectCloseReason;

/** Whether this is at least the interface of that version of libvirt. */
#define LIBVIR_CHECK_VERSION(major, minor, micro) \
    ((major) * 1000000 + (minor) * 1000 + (micro) <= LIBVIR_VERSION_NUMBER)

/* ---- Typed parameters ---- */

/** Bytes of a typed parameter's name, with its NUL. */
#define VIR_TYPED_PARAM_FIELD_LENGTH 80

/** Which member of the union of a typed parameter holds the value. */
enum _virTypedParameterType {
    VIR_TYPED_PARAM_INT = 1,
    VIR_TYPED_PARAM_UINT = 2,
    VIR_TYPED_PARAM_LLONG = 3,
    VIR_TYPED_PARAM_ULLONG = 4,
    VIR_TYPED_PARAM_DOUBLE = 5,
    VIR_TYPED_PARAM_BOOLEAN = 6,
    VIR_TYPED_PARAM_STRING = 7,
#if defined(VIR_ENUM_SENTINELS)
    VIR_TYPED_PARAM_LAST,
#endif
};

/** Flags of calls that return typed parameters. */
enum _virTypedParameterFlags {
    /** The caller can cope with string values. */
    VIR_TYPED_PARAM_STRING_OKAY = (1 << 2),
};

typedef enum _virTypedParameterType virTypedParameterType;

typedef enum _virTypedParameterFlags virTypedParameterFlags;

/** The value of a typed parameter. A string belongs to the parameter. */
union _virTypedParameterValue {
    int i;
    unsigned int ui;
    long long l;
    unsigned long long ul;
    double d;
    char b;
    char *s;
};

/** A named value; type is one of virTypedParameterType. */
struct _virTypedParameter {
    char field[VIR_TYPED_PARAM_FIELD_LENGTH];
    int type;
    union _virTypedParameterValue value;
};

typedef struct _virTypedParameter virTypedParameter;

typedef virTypedParameter *virTypedParameterPtr;

/**
 * Finds a parameter by its name. Sets no error.
 *
 * Returns a pointer into @params, or NULL if there is none of that name.
 */
virTypedParameterPtr virTypedParamsGet(virTypedParameterPtr params, int nparams, const char *name);

/**
 * Stores the value of an int parameter in @value, unless that is NULL.
 *
 * Returns 1 if it is there, 0 if not, -1 if it has another type.
 */
int virTypedParamsGetInt(virTypedParameterPtr params, int nparams, const char *name, int *value);

/**
 * Stores the value of an unsigned int parameter in @value, unless that is NULL.
 *
 * Returns 1 if it is there, 0 if not, -1 if it has another type.
 */
int virTypedParamsGetUInt(virTypedParameterPtr params, int nparams, const char *name, unsigned int *value);

/**
 * Stores the value of a long long parameter in @value, unless that is NULL.
 *
 * Returns 1 if it is there, 0 if not, -1 if it has another type.
 */
int virTypedParamsGetLLong(virTypedParameterPtr params, int nparams, const char *name, long long *value);

/**
 * Stores the value of an unsigned long long parameter in @value, unless that is NULL.
 *
 * Returns 1 if it is there, 0 if not, -1 if it has another type.
 */
int virTypedParamsGetULLong(virTypedParameterPtr params, int nparams, const char *name, unsigned long long *value);

/**
 * Stores the value of a double parameter in @value, unless that is NULL.
 *
 * Returns 1 if it is there, 0 if not, -1 if it has another type.
 */
int virTypedParamsGetDouble(virTypedParameterPtr params, int nparams, const char *name, double *value);

/**
 * Stores the value of a boolean parameter, 0 or 1, in @value, unless that is NULL.
 *
 * Returns 1 if it is there, 0 if not, -1 if it has another type.
 */
int virTypedParamsGetBoolean(virTypedParameterPtr params, int nparams, const char *name, int *value);

/**
 * Stores the value of a string parameter in @value, unless that is NULL. The string stays the parameter's.
 *
 * Returns 1 if it is there, 0 if not, -1 if it has another type.
 */
int virTypedParamsGetString(virTypedParameterPtr params, int nparams, const char *name, const char **value);

/**
 * Appends an int parameter to *@params, which has @nparams parameters and room for @maxparams; all three are updated.
 * Start with NULL, 0 and 0, and release with virTypedParamsFree.
 *
 * Returns 0, or -1 on error.
 */
int virTypedParamsAddInt(virTypedParameterPtr *params, int *nparams, int *maxparams, const char *name, int value);

/** Appends an unsigned int parameter. See virTypedParamsAddInt. */
int virTypedParamsAddUInt(virTypedParameterPtr *params,
                          int *nparams,
                          int *maxparams,
                          const char *name,
                          unsigned int value);

/** Appends a long long parameter. See virTypedParamsAddInt. */
int virTypedParamsAddLLong(virTypedParameterPtr *params,
                           int *nparams,
                           int *maxparams,
                           const char *name,
                           long long value);

/** Appends an unsigned long long parameter. See virTypedParamsAddInt. */
int virTypedParamsAddULLong(virTypedParameterPtr *params,
                            int *nparams,
                            int *maxparams,
                            const char *name,
                            unsigned long long value);

/** Appends a double parameter. See virTypedParamsAddInt. */
int virTypedParamsAddDouble(virTypedParameterPtr *params, int *nparams, int *maxparams, const char *name, double value);

/** Appends a boolean parameter: true unless @value is 0. See virTypedParamsAddInt. */
int virTypedParamsAddBoolean(virTypedParameterPtr *params, int *nparams, int *maxparams, const char *name, int value);

/** Appends a string parameter with a copy of @value; NULL counts as the empty string. See virTypedParamsAddInt. */
int virTypedParamsAddString(virTypedParameterPtr *params,
                            int *nparams,
                            int *maxparams,
                            const char *name,
                            const char *value);

/**
 * Appends one string parameter of the same name for each of @values, which ends with NULL. See virTypedParamsAddInt.
 */
int virTypedParamsAddStringList(virTypedParameterPtr *params,
                                int *nparams,
                                int *maxparams,
                                const char *name,
                                const char **values);

/** Appends a parameter of @type with what @value says in decimal, or true, false, 1 or 0. See virTypedParamsAddInt. */
int virTypedParamsAddFromString(virTypedParameterPtr *params,
                                int *nparams,
                                int *maxparams,
                                const char *name,
                                int type,
                                const char *value);

/** Releases the strings of @params, but not the array. NULL is harmless. */
void virTypedParamsClear(virTypedParameterPtr params, int nparams);

/** Releases @params and the strings in it. NULL is harmless. */
void virTypedParamsFree(virTypedParameterPtr params, int nparams);

#ifdef __cplusplus
}
#endif

#endif /* __VIR_VIRCOMMON_H__ */
