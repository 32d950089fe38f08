/*
 * proof.c: mistakes that the tool must find, in memory that the library handed out and, "inside", by code of the library
 *
 * proof overflow|overflow-inside|stale|leak|race|race-inside
 */

#include <pthread.h>

#include "world.h"

static virDomainPtr dom;
static int shared;
static virTypedParameter param = { "n", VIR_TYPED_PARAM_INT, { 0 } };

static void *count(void *opaque)
{
    int i;

    for (i = 0; i < 1000; i++) {
        shared++;
        /* Between the steps there are calls of the library, whose locks must not make this look ordered. */
        if (i % 100 == 0)
            CHECK_INT(virDomainIsActive(dom), 1);
    }
    return opaque;
}

static void *change_param(void *opaque)
{
    int i;

    for (i = 0; i < 1000; i++)
        param.value.i = i;
    return opaque;
}

static void *read_param(void *opaque)
{
    int i, value;

    for (i = 0; i < 1000; i++)
        CHECK_INT(virTypedParamsGetInt(&param, 1, "n", &value), 1);
    return opaque;
}

static void run_both(void *(*one)(void *), void *(*other)(void *))
{
    pthread_t threads[2];

    CHECK_INT(pthread_create(&threads[0], NULL, one, NULL), 0);
    CHECK_INT(pthread_create(&threads[1], NULL, other, NULL), 0);
    CHECK_INT(pthread_join(threads[0], NULL), 0);
    CHECK_INT(pthread_join(threads[1], NULL), 0);
}

static void overflow_inside(void)
{
    char *too_short = malloc(VIR_UUID_STRING_BUFLEN - 1);

    CHECK(too_short != NULL);
    CHECK_INT(virDomainGetUUIDString(dom, too_short), 0);
    free(too_short);
}

int main(int argc, char **argv)
{
    virConnectPtr conn = open_world(DEFAULT_URI);
    const char *mistake = argc > 1 ? argv[1] : "";
    volatile char *text;

    dom = domain_of(conn, "test");
    CHECK((text = virDomainGetXMLDesc(dom, 0)) != NULL);
    if (strcmp(mistake, "overflow") == 0)
        text[strlen((char *)text) + 1] = 'x';
    if (strcmp(mistake, "overflow-inside") == 0)
        overflow_inside();
    if (strcmp(mistake, "race") == 0)
        run_both(count, count);
    if (strcmp(mistake, "race-inside") == 0)
        run_both(change_param, read_param);
    if (strcmp(mistake, "leak") != 0)
        free((char *)text);
    if (strcmp(mistake, "stale") == 0)
        text[0] = 'x';
    text = NULL;
    close_world(dom, conn);
    return 0;
}
