/* The version macros agree with the package, with the library, and with arithmetic. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "check.h"

int main(void)
{
    unsigned long version = 0;

    CHECK_INT(VIRT_JOBS_VERSION_NUMBER, MAJOR * 1000000 + MINOR * 1000 + MICRO);
    CHECK(VIRT_JOBS_CHECK_VERSION(MAJOR, MINOR, MICRO));
    CHECK(VIRT_JOBS_CHECK_VERSION(0, 0, 1));
    CHECK(!VIRT_JOBS_CHECK_VERSION(MAJOR, MINOR, MICRO + 1));
    CHECK(!VIRT_JOBS_CHECK_VERSION(MAJOR, MINOR + 1, 0));
    CHECK(!VIRT_JOBS_CHECK_VERSION(MAJOR + 1, 0, 0));

    CHECK_INT(virGetVersion(&version, NULL, NULL), 0);
    CHECK_INT(version, LIBVIR_VERSION_NUMBER);
    CHECK(LIBVIR_CHECK_VERSION(8, 999, 999));
    CHECK(!LIBVIR_CHECK_VERSION(999, 0, 0));
#if !LIBVIR_CHECK_VERSION(5, 9, 0) || LIBVIR_CHECK_VERSION(999, 0, 0)
# error "LIBVIR_CHECK_VERSION is for the preprocessor too"
#endif
    return 0;
}
