# Sourced by the tests here: installs below $PWD/dest, as a packager does.

built=$(dirname "$VIRT_JOBS_LIB")
dest=$PWD/dest
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$VIRT_JOBS_SOURCE/Cargo.toml")

fail() {
    echo "$*" >&2
    exit 1
}

for file in libvirt_jobs.so libvirt_jobs.a virt-jobs; do
    [ -e "$built/$file" ] || { echo "skipped: $built/$file has not been built"; exit 77; }
done
command -v make >/dev/null || { echo "skipped: no make"; exit 77; }

run_make() {
    make -s -C "$VIRT_JOBS_SOURCE" BUILT="$built" DESTDIR="$dest" PREFIX=/opt/jobs LIBDIR=/opt/jobs/lib64 "$@"
}

rm -rf "$dest"
run_make install
