#!/bin/sh
# The crate `virt` builds on the drop-in as on libvirt, and its own tests pass as far as they are about what is implemented.
set -eu

version=0.5.0
cargo=${CARGO:-cargo}
command -v "$cargo" >/dev/null && command -v pkg-config >/dev/null || { echo "skipped: no cargo or no pkg-config"; exit 77; }

# Tests that need what the library leaves out: networks, interfaces and storage; properties of the host; tuning of a domain;
# definitions on the test hypervisor.
left_out='test_get_cells_free_memory test_get_max_vcpus test_get_node_info test_list_interfaces test_list_networks
    test_list_storage_pools
    test_create_with_flags test_get_cpu_stats test_get_vcpus_flags test_memory_params test_metadata test_numa_params
    test_pause_resume test_schedinfo test_screenshot test_set_lifecycle_action test_shutdown'

# The crate's source, as cargo has it.
mkdir -p fetch/src pkgconfig
: >fetch/src/lib.rs
cat >fetch/Cargo.toml <<END
[package]
name = "fetch"
version = "0.0.0"
edition = "2021"

[dependencies]
virt = "=$version"

[workspace]
END
if ! metadata=$("$cargo" metadata --format-version 1 --manifest-path fetch/Cargo.toml 2>fetch.log); then
    sed 's/^/  /' fetch.log
    echo "skipped: the crate virt $version cannot be had here"
    exit 77
fi
manifest=$(echo "$metadata" | grep -o "\"[^\"]*/virt-$version/Cargo.toml\"" | head -1 | tr -d '"')
rm -rf virt
cp -R "$(dirname "$manifest")" virt

# Found by pkg-config, as its build script does.
sed -e "s|@PREFIX@|/usr|; s|@LIBDIR@|$VIRT_JOBS_DROPIN|; s|@INCLUDEDIR@|/usr/include|; s|@VERSION@|0|" \
    "$VIRT_JOBS_SOURCE/pkgconfig/libvirt.pc.in" >pkgconfig/libvirt.pc
export PKG_CONFIG_PATH="$PWD/pkgconfig" CARGO_TARGET_DIR="$PWD/target"
"$cargo" test --manifest-path virt/Cargo.toml --no-run --test connect --test domain --example hello >build.log 2>&1 || {
    cat build.log
    echo "the crate does not build"
    exit 1
}
status=0
# shellcheck disable=SC2046 # one argument for each
"$cargo" test --manifest-path virt/Cargo.toml --no-fail-fast --test connect --test domain -- --test-threads=1 \
    $(printf -- '--skip %s ' $left_out) >run.log 2>&1 || status=$?
sed -n '/^test \|^test result/p' run.log
[ "$status" = 0 ] || cat run.log

# And one of its example programs.
"$cargo" run -q --manifest-path virt/Cargo.toml --example hello -- test:///default >hello.log 2>&1 || status=$?
grep -q "Hypervisor: 'TEST'" hello.log && grep -q 'test' hello.log || { cat hello.log; status=1; }
exit "$status"
