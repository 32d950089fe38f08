/* All that our headers declare, again, after libvirt's own declarations of the same. */

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <libvirt/libvirt-jobs.h>

#include "prototypes.inc"
