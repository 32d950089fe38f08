use serde_json::json;

use super::*;
use crate::model::code;
use crate::model::disk::{Image, ImageKind};

fn paths() -> VmPaths {
    let file = |ending: &str| PathBuf::from(format!("/run/vms/vm.{ending}"));
    VmPaths { dir: "/run/vms".into(), socket: file("qmp"), pidfile: file("pid"), log: file("log") }
}

/// A definition with the emulator `/bin/sh`, which is there on every machine that runs tests.
fn domain(os: &str, rest: &str, devices: &str) -> DomainDef {
    let xml = format!(
        "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>vm</name>\
         <uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid><memory unit='KiB'>70001</memory><vcpu>2</vcpu>\
         <os><type arch='x86_64'{os}>hvm</type></os>{rest}<devices><emulator>/bin/sh</emulator>{devices}</devices></domain>"
    );
    DomainDef::parse(&xml).unwrap()
}

fn disk(target: &str, bus: &str, path: &str) -> String {
    format!(
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{path}'/><target dev='{target}' bus='{bus}'/></disk>"
    )
}

fn drive(target: &str) -> String {
    format!("<disk type='file' device='cdrom'><target dev='{target}' bus='sata'/></disk>")
}

fn argv(def: &mut DomainDef) -> Vec<String> {
    let command = build(def, &paths()).unwrap();
    command.args.into_iter().map(|arg| arg.into_string().unwrap()).collect()
}

/// The values of one option.
fn values(args: &[String], option: &str) -> Vec<String> {
    args.windows(2).filter(|pair| pair[0] == option).map(|pair| pair[1].clone()).collect()
}

fn json_values(args: &[String], option: &str) -> Vec<Value> {
    values(args, option).iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

fn image(path: &str, format: &str) -> Image {
    Image { path: path.into(), format: format.into(), ..Image::default() }
}

#[test]
fn the_whole_command_line_is_as_it_always_was() {
    let mut def = domain(" machine='pc'", "", &disk("vda", "virtio", "/images/a,b.qcow2"));
    def.disks[0].chain.push(image("/images/base.img", "raw"));
    let expected = [
        "-name",
        "guest=vm,debug-threads=on",
        "-uuid",
        "6695eb01-f6a4-8304-79aa-97f2502e193f",
        "-S",
        "-daemonize",
        "-machine",
        "pc,usb=off,dump-guest-core=off,acpi=off",
        "-accel",
        "tcg",
        "-m",
        "size=69M",
        "-smp",
        "2,sockets=2,cores=1,threads=1",
        "-display",
        "none",
        "-no-user-config",
        "-nodefaults",
        "-rtc",
        "base=utc",
        "-no-shutdown",
        "-boot",
        "strict=on",
        "-msg",
        "timestamp=on",
        "-chardev",
        "socket,id=charmonitor,server=on,wait=off,path=/run/vms/vm.qmp",
        "-mon",
        "chardev=charmonitor,id=monitor,mode=control",
        "-pidfile",
        "/run/vms/vm.pid",
        "-D",
        "/dev/stderr",
        "-d",
        "strace",
        "-blockdev",
        r#"{"auto-read-only":true,"discard":"unmap","driver":"file","filename":"/images/base.img","node-name":"libvirt-2-storage"}"#,
        "-blockdev",
        r#"{"driver":"raw","file":"libvirt-2-storage","node-name":"libvirt-2-format","read-only":true}"#,
        "-blockdev",
        r#"{"auto-read-only":true,"discard":"unmap","driver":"file","filename":"/images/a,b.qcow2","node-name":"libvirt-1-storage"}"#,
        "-blockdev",
        r#"{"backing":"libvirt-2-format","driver":"qcow2","file":"libvirt-1-storage","node-name":"libvirt-1-format","read-only":false}"#,
        "-device",
        r#"{"addr":"0x8","bootindex":1,"bus":"pci.0","drive":"libvirt-1-format","driver":"virtio-blk-pci","id":"virtio-disk0"}"#,
    ];
    assert_eq!(argv(&mut def), expected);
    assert_eq!(def.emulator.as_deref(), Some("/bin/sh"));
    assert_eq!(def.disks[0].alias.as_deref(), Some("virtio-disk0"));
}

#[test]
fn disks_and_images_are_sorted_and_numbered_as_libvirt_does() {
    let devices =
        [disk("vdc", "virtio", "/b"), disk("sda", "scsi", "/s"), disk("vdb", "virtio", "/a1"), disk("sdb", "sata", "/t"), drive("sdc")];
    let mut def = domain(" machine='pc'", "", &devices.concat());
    def.disks[2].chain.push(image("/a0", "qcow2"));
    def.disks[1].chain.push(image("/r", "raw"));
    argv(&mut def);
    let numbers: Vec<(&str, Vec<u32>)> =
        def.disks.iter().map(|disk| (disk.target.as_str(), disk.chain.iter().map(|image| image.index).collect())).collect();
    let expected = [("vdb", vec![5, 7]), ("vdc", vec![4]), ("sda", vec![3, 6]), ("sdb", vec![2]), ("sdc", vec![])];
    assert_eq!(numbers, expected);
    let aliases: Vec<&str> = def.disks.iter().filter_map(|disk| disk.alias.as_deref()).collect();
    assert_eq!(aliases, ["virtio-disk1", "virtio-disk2", "scsi0-0-0-0", "sata0-0-1", "sata0-0-2"]);
}

#[test]
fn the_first_disk_boots_unless_the_configuration_says_what_does() {
    let boots = |os: &str, devices: &[String]| {
        let mut def = domain(" machine='q35'", "", &devices.concat());
        def.boot = os.split_whitespace().map(str::to_owned).collect();
        let devices = json_values(&argv(&mut def), "-device");
        let boots = devices.iter().filter_map(|d| Some((d["bootindex"].as_u64()?, d["id"].as_str()?.to_owned())));
        boots.collect::<Vec<_>>()
    };
    let both = [drive("sda"), disk("vda", "virtio", "/a"), disk("vdb", "virtio", "/b")];
    assert_eq!(boots("hd", &both), [(1, "virtio-disk0".to_owned())]);
    assert_eq!(boots("cdrom hd", &both), [(1, "sata0-0-0".to_owned()), (2, "virtio-disk0".to_owned())]);
    let own = disk("vdb", "virtio", "/b").replace("</disk>", "<boot order='3'/></disk>");
    assert_eq!(boots("", &[disk("vda", "virtio", "/a"), own]), [(3, "virtio-disk1".to_owned())]);
}

#[test]
fn platform_options_follow_the_definition() {
    let of = |rest: &str, option: &str| values(&argv(&mut domain(" machine='q35'", rest, "")), option);
    assert_eq!(of("<features><acpi/></features>", "-machine"), ["q35,usb=off,dump-guest-core=off"]);
    assert_eq!(of("<cpu mode='host-passthrough'/>", "-cpu"), ["host"]);
    assert_eq!(of("<cpu mode='maximum'/>", "-cpu"), ["max"]);
    assert_eq!(of("<cpu><model>Nehalem</model></cpu>", "-cpu"), ["Nehalem"]);
    assert_eq!(of("", "-cpu"), [""; 0]);
    assert_eq!(of("<on_reboot>destroy</on_reboot>", "-action"), ["reboot=shutdown"]);
    assert_eq!(of("", "-action"), [""; 0]);
    assert!(values(&argv(&mut domain("", "", "")), "-machine")[0].starts_with("pc,"));
}

#[test]
fn names_and_paths_cannot_become_options() {
    let mut def = domain(" machine='q35,accel=tcg'", "", "");
    def.name = "a,process=b".into();
    let paths = VmPaths { socket: "/run/x,wait=on/vm.qmp".into(), ..paths() };
    let args: Vec<String> = build(&mut def, &paths).unwrap().args.into_iter().map(|arg| arg.into_string().unwrap()).collect();
    assert_eq!(values(&args, "-name"), ["guest=a,,process=b,debug-threads=on"]);
    assert!(values(&args, "-machine")[0].starts_with("q35,,accel=tcg,usb=off"));
    assert_eq!(values(&args, "-chardev"), ["socket,id=charmonitor,server=on,wait=off,path=/run/x,,wait=on/vm.qmp"]);
}

#[test]
fn arguments_and_variables_of_the_user_are_passed_on_last() {
    let mut def = domain("", "", "");
    def.qemu_args = vec!["-global".into(), "a.b=c,d".into()];
    def.qemu_env = vec![("FOO".into(), "b a".into())];
    let command = build(&mut def, &paths()).unwrap();
    assert_eq!(command.args[command.args.len() - 2..], ["-global", "a.b=c,d"]);
    assert_eq!(command.env, [("FOO".to_owned(), "b a".to_owned())]);
}

#[test]
fn what_cannot_be_driven_is_refused() {
    let refused = |def: &mut DomainDef| build(def, &paths()).map(drop).map_err(|error| error.code);
    let mut network = domain("", "", &disk("vda", "virtio", "/a"));
    network.disks[0].chain[0].kind = ImageKind::Network;
    assert_eq!(refused(&mut network), Err(code::CONFIG_UNSUPPORTED));
    assert_eq!(refused(&mut domain("", "", &disk("sdg", "sata", "/a"))), Err(code::INTERNAL_ERROR));
    let mut nowhere = domain("", "", "");
    nowhere.emulator = Some("/nonexistent/qemu".into());
    assert_eq!(refused(&mut nowhere), Err(code::SYSTEM_ERROR));
}

#[test]
fn a_disk_that_comes_later_gets_the_device_it_would_have_had_from_the_start() {
    for (bus, target) in [("virtio", "vdb"), ("scsi", "sdb")] {
        let mut whole = domain(" machine='q35'", "", &(disk("vda", "virtio", "/a") + &disk(target, bus, "/b")));
        let devices = json_values(&argv(&mut whole), "-device");
        let mut def = domain(" machine='q35'", "", &disk("vda", "virtio", "/a"));
        argv(&mut def);
        let mut late = Disk { alias: None, ..whole.disks[1].clone() };
        let plug = hotplug(&def, &mut late).unwrap();
        assert_eq!(late.alias, whole.disks[1].alias);
        assert!(devices.contains(&plug.device), "{}", plug.device);
        assert_eq!(plug.nodes.len(), 2);
        match plug.controller {
            Some(controller) => assert!(bus == "scsi" && devices.contains(&controller)),
            None => assert_eq!(bus, "virtio"),
        }
        assert_eq!(hotplug(&whole, &mut late).unwrap().controller, None);
    }
}

#[test]
fn a_domain_that_somebody_else_started_leaves_the_place_to_qemu() {
    let def = DomainDef { arch: "x86_64".into(), ..DomainDef::default() };
    let mut late = Disk { target: "vdb".into(), bus: "virtio".into(), device: "disk".into(), ..Disk::default() };
    let plug = hotplug(&def, &mut late).unwrap();
    assert_eq!(plug.device, json!({ "driver": "virtio-blk-pci", "id": "virtio-disk1" }));
}
