//! Prints a domain in libvirt's layout.

use super::{DomainDef, QEMU_NAMESPACE};
use crate::model::disk::{Address, Disk, Image, ImageKind, Mirror, MirrorJob, MirrorReady};
use crate::xml::writer::{Tag, Writer};

pub(super) fn domain(def: &DomainDef, id: Option<i32>) -> String {
    let mut w = Writer::new();
    w.open(root(def, id));
    w.text(Tag::new("name"), &def.name);
    w.maybe_text("uuid", def.uuid.map(|uuid| uuid.to_string()));
    w.maybe_text("title", def.title.as_ref());
    w.maybe_text("description", def.description.as_ref());
    if let Some(metadata) = &def.metadata {
        w.open(Tag::new("metadata"));
        w.verbatim(metadata);
        w.close();
    }
    w.text(Tag::new("memory").attr("unit", "KiB"), def.memory_kib.to_string());
    w.text(Tag::new("currentMemory").attr("unit", "KiB"), def.current_memory_kib.to_string());
    w.text(Tag::new("vcpu").attr("placement", "static"), def.vcpus.to_string());
    machine(&mut w, def);
    devices(&mut w, def, id.is_some());
    command_line(&mut w, def);
    w.finish()
}

fn root(def: &DomainDef, id: Option<i32>) -> Tag {
    let mut tag = Tag::new("domain").attr("type", &def.kind).maybe("id", id.map(|id| id.to_string()));
    if has_command_line(def) {
        tag = tag.attr("xmlns:qemu", QEMU_NAMESPACE);
    }
    for (prefix, uri) in def.namespaces.iter().filter(|(prefix, _)| prefix != "qemu" || !has_command_line(def)) {
        tag = tag.attr(&format!("xmlns:{prefix}"), uri);
    }
    tag
}

fn machine(w: &mut Writer, def: &DomainDef) {
    w.open(Tag::new("os"));
    w.text(Tag::new("type").attr("arch", &def.arch).maybe("machine", def.machine.as_ref()), &def.os_type);
    for dev in &def.boot {
        w.empty(Tag::new("boot").attr("dev", dev));
    }
    w.close();
    if def.acpi || def.apic || def.pae {
        w.open(Tag::new("features"));
        for (name, _) in [("acpi", def.acpi), ("apic", def.apic), ("pae", def.pae)].iter().filter(|(_, on)| *on) {
            w.empty(Tag::new(name));
        }
        w.close();
    }
    if let Some(mode) = &def.cpu_mode {
        cpu(w, mode, def.cpu_model.as_deref());
    }
    w.empty(Tag::new("clock").attr("offset", "utc"));
    w.text(Tag::new("on_poweroff"), &def.on_poweroff);
    w.text(Tag::new("on_reboot"), &def.on_reboot);
    w.text(Tag::new("on_crash"), &def.on_crash);
}

fn cpu(w: &mut Writer, mode: &str, model: Option<&str>) {
    let tag = Tag::new("cpu").attr("mode", mode);
    match model {
        Some(model) => {
            w.open(tag.attr("match", "exact").attr("check", "none"));
            w.text(Tag::new("model").attr("fallback", "forbid"), model);
            w.close();
        }
        None => w.empty(tag.attr("check", "none").attr("migratable", "on")),
    }
}

fn devices(w: &mut Writer, def: &DomainDef, live: bool) {
    w.open(Tag::new("devices"));
    w.maybe_text("emulator", def.emulator.as_ref());
    for one in &def.disks {
        disk(w, one, live);
    }
    for controller in &def.controllers {
        w.open(
            Tag::new("controller")
                .attr("type", &controller.kind)
                .attr("index", controller.index.to_string())
                .maybe("model", controller.model.as_ref()),
        );
        alias(w, controller.alias.as_deref());
        address(w, controller.address);
        w.close();
    }
    if let Some(model) = &def.memballoon {
        w.empty(Tag::new("memballoon").attr("model", model));
    }
    w.close();
}

fn disk(w: &mut Writer, disk: &Disk, live: bool) {
    let kind = disk.source().map_or(ImageKind::File, |image| image.kind);
    w.open(Tag::new("disk").attr("type", kind.as_str()).attr("device", &disk.device));
    w.empty(
        Tag::new("driver")
            .attr("name", "qemu")
            .maybe("type", disk.source().map(|image| &image.format).filter(|format| !format.is_empty()))
            .maybe("cache", disk.tuning.cache.as_ref())
            .maybe("io", disk.tuning.io.as_ref())
            .maybe("discard", disk.tuning.discard.as_ref())
            .maybe("detect_zeroes", disk.tuning.detect_zeroes.as_ref()),
    );
    if let Some((top, below)) = disk.chain.split_first() {
        w.empty(source(top, index(top)));
        match disk.probe_after.filter(|_| !live) {
            Some(named) => backing(w, &below[..named.saturating_sub(1).min(below.len())], false),
            None => backing(w, below, true),
        }
    }
    if let Some(running) = disk.mirror.as_ref().filter(|_| live) {
        mirror(w, running, disk);
    }
    w.empty(Tag::new("target").attr("dev", &disk.target).attr("bus", &disk.bus));
    if disk.readonly {
        w.empty(Tag::new("readonly"));
    }
    w.maybe_text("serial", disk.serial.as_ref());
    if let Some(order) = disk.boot_order {
        w.empty(Tag::new("boot").attr("order", order.to_string()));
    }
    alias(w, disk.alias.as_deref());
    address(w, disk.address);
    w.close();
}

fn address(w: &mut Writer, address: Option<Address>) {
    let tag = Tag::new("address");
    match address {
        Some(Address::Pci { bus, slot }) => w.empty(
            tag.attr("type", "pci")
                .attr("domain", "0x0000")
                .attr("bus", format!("{bus:#04x}"))
                .attr("slot", format!("{slot:#04x}"))
                .attr("function", "0x0"),
        ),
        Some(Address::Drive { unit }) => {
            w.empty(tag.attr("type", "drive").attr("controller", "0").attr("bus", "0").attr("target", "0").attr("unit", unit.to_string()))
        }
        None => {}
    }
}

/// `<source>` of an image. A network image is described as far as its name, in the hypervisor's words, tells.
fn source(image: &Image, index: Option<String>) -> Tag {
    let tag = match (image.kind, image.path.split_once(':')) {
        (ImageKind::File, _) => Tag::new("source").attr("file", &image.path),
        (ImageKind::Block, _) => Tag::new("source").attr("dev", &image.path),
        (ImageKind::Network, Some((protocol, name))) => Tag::new("source").attr("protocol", protocol).attr("name", name),
        (ImageKind::Network, None) => Tag::new("source").attr("name", &image.path),
    };
    tag.maybe("index", index)
}

fn index(image: &Image) -> Option<String> {
    (image.index != 0).then(|| image.index.to_string())
}

/// Images inside one another, then the empty element that says there are no more.
fn backing(w: &mut Writer, images: &[Image], whole: bool) {
    for image in images {
        w.open(Tag::new("backingStore").attr("type", image.kind.as_str()).maybe("index", index(image)));
        format(w, image);
        w.empty(source(image, None));
    }
    if whole {
        w.empty(Tag::new("backingStore"));
    }
    for _ in images {
        w.close();
    }
}

fn format(w: &mut Writer, image: &Image) {
    if !image.format.is_empty() {
        w.empty(Tag::new("format").attr("type", &image.format));
    }
}

/// The target of a copy is shown with the images below it, unless they are the disk's own. That of an active commit is
/// in the disk's own chain itself.
fn mirror(w: &mut Writer, mirror: &Mirror, disk: &Disk) {
    let Some((top, below)) = mirror.chain.split_first() else { return };
    let copy = mirror.job == MirrorJob::Copy;
    let mut tag = Tag::new("mirror").attr("type", top.kind.as_str());
    if copy && top.kind == ImageKind::File {
        // libvirt repeats these for readers older than <source> in mirrors.
        tag = tag.attr("file", &top.path).maybe("format", Some(&top.format).filter(|format| !format.is_empty()));
    }
    let ready = match mirror.ready {
        MirrorReady::No => None,
        MirrorReady::Yes => Some("yes"),
        MirrorReady::Abort => Some("abort"),
        MirrorReady::Pivot => Some("pivot"),
    };
    w.open(tag.attr("job", if copy { "copy" } else { "active-commit" }).maybe("ready", ready));
    format(w, top);
    w.empty(source(top, index(top)));
    let shared = !below.is_empty() && disk.chain.get(1..) == Some(below);
    if copy && !shared {
        backing(w, below, true);
    }
    w.close();
}

fn alias(w: &mut Writer, name: Option<&str>) {
    if let Some(name) = name {
        w.empty(Tag::new("alias").attr("name", name));
    }
}

fn has_command_line(def: &DomainDef) -> bool {
    !def.qemu_args.is_empty() || !def.qemu_env.is_empty()
}

fn command_line(w: &mut Writer, def: &DomainDef) {
    if !has_command_line(def) {
        return;
    }
    w.open(Tag::new("qemu:commandline"));
    for value in &def.qemu_args {
        w.empty(Tag::new("qemu:arg").attr("value", value));
    }
    for (name, value) in &def.qemu_env {
        w.empty(Tag::new("qemu:env").attr("name", name).attr("value", value));
    }
    w.close();
}
