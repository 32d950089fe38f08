//! Domains of every shape that can be, for tests.

use super::{Controller, DomainDef};
use crate::model::disk::{Address, Disk, DiskTuning, Image, ImageKind, Mirror, MirrorJob, MirrorReady};
use crate::model::Uuid;
use proptest::prelude::*;
use proptest::sample::select;

/// Text that XML can hold and that is not empty, rich in what needs escaping.
fn text() -> impl Strategy<Value = String> {
    let c = prop_oneof![select(vec!['<', '>', '&', '\'', '"', '\r', '\t', ' ', 'é', 'a', '1']), any::<char>()];
    let legal = c.prop_filter("not XML", |&c| c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}' || matches!(c, '\r' | '\t'));
    prop::collection::vec(legal, 1..6).prop_map(String::from_iter)
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = Option<String>> {
    prop::option::of(select(words).prop_map(str::to_owned))
}

fn image(live: bool) -> impl Strategy<Value = Image> {
    let kind = prop_oneof![Just(ImageKind::File), Just(ImageKind::Block)];
    let index = if live { 1..1000u32 } else { 0..1u32 };
    (kind, text(), index).prop_map(|(kind, path, index)| Image { kind, path, format: "qcow2".to_owned(), index })
}

/// A chain, and how much of it the configuration names. Only the last image may be raw.
fn chain(live: bool) -> impl Strategy<Value = (Vec<Image>, Option<usize>)> {
    (prop::collection::vec(image(live), 1..4), any::<bool>(), any::<bool>()).prop_map(move |(mut chain, raw, whole)| {
        if let Some(last) = chain.last_mut().filter(|_| raw) {
            last.format = "raw".to_owned();
        }
        let named = (!live && !whole).then_some(chain.len());
        (chain, named)
    })
}

fn mirror() -> impl Strategy<Value = Mirror> {
    let ready = select(vec![MirrorReady::No, MirrorReady::Yes, MirrorReady::Abort, MirrorReady::Pivot]);
    (any::<bool>(), ready, chain(true)).prop_map(|(copy, ready, (mut chain, _))| {
        if !copy {
            chain.truncate(1);
        }
        Mirror { job: if copy { MirrorJob::Copy } else { MirrorJob::ActiveCommit }, ready, chain }
    })
}

fn tuning() -> impl Strategy<Value = DiskTuning> {
    (
        words(&["none", "writethrough", "writeback", "directsync", "unsafe"]),
        words(&["native", "threads", "io_uring"]),
        words(&["unmap", "ignore"]),
        words(&["off", "on", "unmap"]),
    )
        .prop_map(|(cache, io, discard, detect_zeroes)| DiskTuning { cache, io, discard, detect_zeroes })
}

/// A disk without target; that is given where it is known which others there are.
fn disk(live: bool) -> impl Strategy<Value = Disk> {
    let front = (select(vec!["virtio", "scsi", "sata"]), 0..4u8, any::<bool>(), prop::option::of("[A-Za-z0-9._+-]{1,20}"));
    let alias = prop::option::of(text().prop_map(move |text| if live { text } else { format!("ua-{text}") }));
    (front, tuning(), chain(live), prop::option::of(mirror()), alias, any::<bool>()).prop_map(
        move |((bus, device, readonly, serial), tuning, (chain, probe_after), mirror, alias, shared)| {
            let cdrom = device == 0 && bus != "virtio";
            let empty = cdrom && readonly;
            let mut disk = Disk {
                bus: bus.to_owned(),
                device: if cdrom { "cdrom" } else { "disk" }.to_owned(),
                readonly: readonly || cdrom,
                serial,
                tuning,
                chain: if empty { Vec::new() } else { chain },
                probe_after: probe_after.filter(|_| !empty),
                mirror: mirror.filter(|_| live && !empty),
                alias,
                address: shared.then_some(if bus == "virtio" { Address::Pci { bus: 1, slot: 31 } } else { Address::Drive { unit: 3 } }),
                ..Disk::default()
            };
            let below: Vec<Image> = disk.chain.iter().skip(1).cloned().collect();
            if let Some(mirror) = disk.mirror.as_mut().filter(|mirror| shared && mirror.job == MirrorJob::Copy) {
                mirror.chain.truncate(1);
                mirror.chain.extend(below);
            }
            disk
        },
    )
}

/// Disks with targets of their own, all or none of them with a boot order.
fn disks(live: bool) -> impl Strategy<Value = Vec<Disk>> {
    (prop::collection::vec(disk(live), 0..4), any::<bool>()).prop_map(|(mut disks, ordered)| {
        for (i, disk) in (0u8..).zip(disks.iter_mut()) {
            let prefix = if disk.bus == "virtio" { "vd" } else { "sd" };
            disk.target = format!("{prefix}{}", char::from(b'a' + i));
            disk.boot_order = ordered.then_some(u32::from(i) + 1);
        }
        disks
    })
}

fn controllers(disks: &[Disk], test: bool) -> Vec<Controller> {
    let of =
        |kind: &str, model: Option<&str>| Controller { kind: kind.to_owned(), model: model.map(str::to_owned), ..Controller::default() };
    let needed = |bus: &str| !test && disks.iter().any(|disk| disk.bus == bus);
    let mut list = vec![of("pci", Some("pci-root")), of("usb", Some("none"))];
    if needed("scsi") {
        list.push(of("scsi", Some("virtio-scsi")));
    }
    if needed("sata") {
        list.push(of("sata", None));
    }
    list
}

/// A domain as [`DomainDef::parse`] returns it, or with `live` as [`DomainDef::parse_live`] does.
pub(super) fn domain(live: bool) -> impl Strategy<Value = DomainDef> {
    let identity = (
        select(vec!["kvm", "qemu", "test"]),
        text().prop_map(|name| name.replace('/', "_")),
        prop::option::of(any::<[u8; 16]>().prop_map(Uuid)),
        prop::option::of(text()),
        prop::option::of(text()),
    );
    let sizes = (1..1u64 << 50, 1..=u16::MAX);
    let machine = (words(&["pc", "q35", "none"]), any::<[bool; 4]>(), select(vec!["x86_64", "aarch64", "s390x"]));
    let ends = (select(vec!["restart", "destroy"]), select(vec!["destroy", "preserve", "coredump-restart"]));
    let passed = (prop::collection::vec(text(), 0..3), prop::collection::vec(("[A-Z_][A-Z_0-9]{0,5}", text()), 0..3));
    (identity, sizes, machine, ends, disks(live), passed).prop_map(
        |(identity, (memory_kib, vcpus), (model, flags, arch), (on_reboot, on_crash), disks, (qemu_args, qemu_env))| {
            let (kind, name, uuid, title, description) = identity;
            let test = kind == "test";
            DomainDef {
                kind: kind.to_owned(),
                name,
                uuid,
                title,
                metadata: description.as_ref().map(|_| "<app><state v='1&apos;'/> and more</app>\n    <other/>".to_owned()),
                namespaces: description.iter().map(|_| ("app".to_owned(), "urn:app".to_owned())).collect(),
                description,
                memory_kib,
                current_memory_kib: if test { memory_kib.div_ceil(2) } else { memory_kib },
                vcpus,
                os_type: "hvm".to_owned(),
                arch: arch.to_owned(),
                boot: if disks.iter().any(|disk| disk.boot_order.is_some()) { vec![] } else { vec!["cdrom".into(), "hd".into()] },
                acpi: flags[0],
                apic: flags[1],
                pae: flags[2],
                cpu_mode: flags[3].then(|| if model.is_some() { "custom" } else { "host-passthrough" }.to_owned()),
                cpu_model: model.as_ref().filter(|_| flags[3]).map(|_| "qemu64".to_owned()),
                machine: model,
                on_poweroff: if test { "preserve" } else { "destroy" }.to_owned(),
                on_reboot: on_reboot.to_owned(),
                on_crash: on_crash.to_owned(),
                emulator: flags[0].then(|| "/usr/bin/qemu".to_owned()),
                controllers: controllers(&disks, test),
                disks,
                memballoon: (!test).then(|| "none".to_owned()),
                qemu_args,
                qemu_env,
            }
        },
    )
}
