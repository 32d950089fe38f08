/*
 * ACTIVE and FINISHED, BLOCK and DOMAIN select jobs; of each pair none is as good as both, and the pairs go together.
 */

#include "world.h"

#define ACTIVE VIR_DOMAIN_JOB_LIST_ACTIVE
#define FINISHED VIR_DOMAIN_JOB_LIST_FINISHED
#define BLOCK VIR_DOMAIN_JOB_LIST_BLOCK
#define WHOLE VIR_DOMAIN_JOB_LIST_DOMAIN

/** The letters of the jobs that the flags select. */
static const char *selected(virDomainPtr dom, char *names[4], unsigned int flags)
{
    static char letters[5];
    virDomainJobPtr *jobs;
    int i, j, n = 0;

    CHECK_INT(virDomainJobList(dom, NULL, flags), virDomainJobList(dom, &jobs, flags));
    for (i = 0; jobs[i]; i++) {
        for (j = 0; j < 4; j++) {
            if (strcmp(jobs[i]->name, names[j]) == 0)
                letters[n++] = "bBdD"[j];
        }
    }
    letters[n] = '\0';
    free_jobs(jobs);
    return letters;
}

int main(void)
{
    virConnectPtr conn = open_fixture(FIXTURE(
        "<jobs:job type='block-pull' disk='vda' bandwidth='1'/>"
        "<jobs:job type='block-copy' disk='vdb' target='/guest/copy' state='aborted' persist='yes'/>"
        "<jobs:job type='save' bandwidth='1'/>"
        "<jobs:job type='dump' state='failed' persist='yes'/>"));
    virDomainPtr dom = domain_of(conn, "test");
    char *names[4] = { NULL, NULL, NULL, NULL };
    virDomainJobPtr *jobs;
    int i;

    CHECK_INT(virDomainJobList(dom, &jobs, 0), 4);
    for (i = 0; i < 4; i++)
        CHECK((names[i] = strdup(jobs[i]->name)) != NULL);
    free_jobs(jobs);

    CHECK_STR(selected(dom, names, 0), "bBdD");
    CHECK_STR(selected(dom, names, ACTIVE), "bd");
    CHECK_STR(selected(dom, names, FINISHED), "BD");
    CHECK_STR(selected(dom, names, ACTIVE | FINISHED), "bBdD");
    CHECK_STR(selected(dom, names, BLOCK), "bB");
    CHECK_STR(selected(dom, names, WHOLE), "dD");
    CHECK_STR(selected(dom, names, BLOCK | WHOLE), "bBdD");
    CHECK_STR(selected(dom, names, BLOCK | ACTIVE), "b");
    CHECK_STR(selected(dom, names, BLOCK | FINISHED), "B");
    CHECK_STR(selected(dom, names, WHOLE | ACTIVE), "d");
    CHECK_STR(selected(dom, names, WHOLE | FINISHED), "D");
    CHECK_STR(selected(dom, names, ACTIVE | FINISHED | BLOCK | WHOLE), "bBdD");
    for (i = 0; i < 4; i++)
        free(names[i]);
    close_world(dom, conn);
    return 0;
}
