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
lib/python3/dist-packages/virt_jobs/__init__.py
lib/python3/dist-packages/virt_jobs/_domains.py
lib/python3/dist-packages/virt_jobs/_events.py
lib/python3/dist-packages/virt_jobs/_jobs.py
lib/python3/dist-packages/virt_jobs/_library.py
lib/python3/dist-packages/virt_jobs/_loop.py
lib/python3/dist-packages/virt_jobs/_types.py
lib/python3/dist-packages/virt_jobs/py.typed
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

# What is installed is what Python finds there.
if command -v python3 >/dev/null; then
    PYTHONPATH=$dest/opt/jobs/lib/python3/dist-packages VIRT_JOBS_LIBRARY=$dest/opt/jobs/lib64/libvirt-jobs.so.0 python3 -B -c '
import virt_jobs
virt_jobs.open("test+jobs:///default").domain("test").jobs()' || fail "the installed Python module does not work"
fi

# Installing over an older installation is fine, and uninstalling leaves nothing behind.
run_make install
run_make uninstall
[ -z "$(find "$dest" ! -type d)" ] || fail "left behind: $(find "$dest" ! -type d)"
rm -rf "$dest"
