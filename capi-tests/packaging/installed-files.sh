#!/bin/sh
set -eu
. "$(dirname "$0")/lib.sh"

cat >wanted <<END
bin/virt-jobs
include/libvirt/libvirt-jobs.h
include/virt-jobs/libvirt/libvirt-common.h
include/virt-jobs/libvirt/libvirt-domain-snapshot.h
include/virt-jobs/libvirt/libvirt-domain.h
include/virt-jobs/libvirt/libvirt-event.h
include/virt-jobs/libvirt/libvirt-host.h
include/virt-jobs/libvirt/libvirt-jobs.h
include/virt-jobs/libvirt/libvirt.h
include/virt-jobs/libvirt/virterror.h
lib64/libvirt-jobs.a
lib64/libvirt-jobs.so -> libvirt-jobs.so.0
lib64/libvirt-jobs.so.0 -> libvirt-jobs.so.$version
lib64/libvirt-jobs.so.$version
lib64/pkgconfig/libvirt-jobs-overlay.pc
lib64/pkgconfig/libvirt-jobs.pc
share/virt-jobs/schemas/domain-job.rng
END
(cd "$dest/opt/jobs" && find . -type f -printf '%P\n' -o -type l -printf '%P -> %l\n') | LC_ALL=C sort >found
diff -u wanted found || fail "other files are installed than there should be"

# Installing over an older installation is fine, and uninstalling leaves nothing behind.
run_make install
run_make uninstall
[ -z "$(find "$dest" ! -type d)" ] || fail "left behind: $(find "$dest" ! -type d)"
rm -rf "$dest"
