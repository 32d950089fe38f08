use super::generate::domain;
use super::*;
use crate::model::code;
use crate::model::disk::{Image, ImageKind, Mirror, MirrorJob, MirrorReady};
use crate::xml::validate::assert_valid;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::path::Path;

const OS: &str = "<os><type arch='x86_64' machine='pc'>hvm</type></os>";

/// A domain with these elements in it.
fn with(elements: &str) -> String {
    let root = format!("<domain type='kvm' xmlns:qemu='{QEMU_NAMESPACE}'>");
    let rest = [("<name", "<name>a</name>"), ("<memory", "<memory>1024</memory>"), ("<os>", OS)];
    let rest = rest.iter().filter(|(tag, _)| !elements.contains(tag)).map(|(_, element)| *element);
    format!("{root}{}{elements}</domain>", rest.collect::<String>())
}

fn with_devices(devices: &str) -> String {
    with(&format!("<devices>{devices}</devices>"))
}

/// A domain with one disk that has these children beside its source.
fn with_disk(children: &str) -> String {
    let target = if children.contains("<target") { "" } else { "<target dev='vda'/>" };
    with_devices(&format!("<disk type='file'><source file='/a'/>{target}{children}</disk>"))
}

fn refusal(xml: &str) -> (i32, i32, String) {
    let error = DomainDef::parse(xml).expect_err(xml);
    (error.code, error.domain, error.message())
}

#[test]
fn values_that_are_missing_or_wrong_get_libvirts_codes_and_words() {
    let (dom, xml) = (from::DOMAIN, from::XML);
    let cases: &[(&str, i32, i32, &str)] = &[
        ("<network/>", code::XML_ERROR, dom, "XML error: expecting root element of 'domain', not 'network'"),
        ("<domain type='kvm'/>", code::NO_NAME, dom, "missing name information"),
        (&with("<name/>"), code::NO_NAME, dom, "missing name information"),
        (&with("<name>a/b</name>"), code::XML_ERROR, dom, "XML error: name a/b cannot contain '/'"),
        ("<domain><name>a</name></domain>", code::INTERNAL_ERROR, dom, "internal error: missing domain type attribute"),
        ("<domain type='zz'><name>a</name></domain>", code::CONFIG_UNSUPPORTED, dom, "unsupported configuration: invalid domain type zz"),
        (&with("<uuid>zz</uuid>"), code::INTERNAL_ERROR, dom, "internal error: malformed uuid element"),
        (&with("<title>a\nb</title>"), code::XML_ERROR, dom, "XML error: Domain title can't contain newlines"),
        (&with("<os></os>"), code::XML_ERROR, dom, "XML error: an os <type> must be specified"),
        (&with("<os><type>zz</type></os>"), code::CONFIG_UNSUPPORTED, dom, "unsupported configuration: unknown OS type 'zz'"),
        (&with("<os><type arch='zz'>hvm</type></os>"), code::CONFIG_UNSUPPORTED, dom, "unsupported configuration: Unknown architecture zz"),
        (
            &with("<os><type>hvm</type><boot dev='zz'/></os>"),
            code::XML_ERROR,
            xml,
            "XML error: Invalid value for attribute 'dev' in element 'boot': 'zz'.",
        ),
        (
            &with("<memory>0</memory>"),
            code::XML_ERROR,
            dom,
            "XML error: Memory size must be specified via <memory> or in the <numa> configuration",
        ),
        (&with("<memory>xx</memory>"), code::XML_ERROR, xml, "XML error: Invalid value 'xx' for element or attribute './memory[1]'"),
        (&with("<memory unit='zz'>1</memory>"), code::INVALID_ARG, dom, "invalid argument: unknown suffix 'zz'"),
        (&with("<memory unit='EiB'>1024</memory>"), code::OVERFLOW, dom, "numerical overflow: value too large: 1024EiB"),
        (&with("<vcpu>x</vcpu>"), code::XML_ERROR, dom, "XML error: maximum vcpus count must be an integer"),
        (
            &with("<vcpu current='9'>2</vcpu>"),
            code::CONFIG_UNSUPPORTED,
            dom,
            "unsupported configuration: maximum vCPU count must not be less than current vCPU count",
        ),
        (
            &with("<on_poweroff>zz</on_poweroff>"),
            code::CONFIG_UNSUPPORTED,
            dom,
            "unsupported configuration: unknown on_poweroff action: zz",
        ),
        (&with("<cpu mode='zz'/>"), code::CONFIG_UNSUPPORTED, dom, "unsupported configuration: Invalid mode attribute 'zz'"),
        (&with("<clock offset='zz'/>"), code::CONFIG_UNSUPPORTED, dom, "unsupported configuration: unknown clock offset 'zz'"),
        (
            &with("<qemu:commandline><qemu:arg/></qemu:commandline>"),
            code::INTERNAL_ERROR,
            dom,
            "internal error: No qemu command-line argument specified",
        ),
        (
            &with("<qemu:commandline><qemu:env/></qemu:commandline>"),
            code::INTERNAL_ERROR,
            dom,
            "internal error: No qemu environment name specified",
        ),
        (
            &with("<qemu:commandline><qemu:env name='1'/></qemu:commandline>"),
            code::INTERNAL_ERROR,
            dom,
            "internal error: Invalid environment name, it must begin with a letter or underscore",
        ),
    ];
    for (document, code, domain, message) in cases {
        assert_eq!(refusal(document), (*code, *domain, (*message).to_owned()), "{document}");
    }
}

#[test]
fn disks_that_are_incomplete_or_wrong_get_libvirts_codes_and_words() {
    let (dom, xml) = (from::DOMAIN, from::XML);
    let source = "<source file='/a'/>";
    let cases: &[(&str, i32, i32, &str)] = &[
        ("<disk/>", code::NO_TARGET, dom, "missing target information for device"),
        ("<disk><target dev='vda'/></disk>", code::NO_SOURCE, dom, "missing source information for device vda"),
        ("<disk><source file=''/><target dev='vda'/></disk>", code::NO_SOURCE, dom, "missing source information for device vda"),
        (
            "<disk type='block'><source file='/a'/><target dev='vda'/></disk>",
            code::NO_SOURCE,
            dom,
            "missing source information for device vda",
        ),
        (&format!("<disk>{source}</disk>"), code::NO_TARGET, dom, "missing target information for device /a"),
        (
            &format!("<disk>{source}<target dev=''/></disk>"),
            code::XML_ERROR,
            dom,
            "XML error: Unknown disk name '' and no address specified",
        ),
        (
            &format!("<disk>{source}<target dev='foo'/></disk>"),
            code::XML_ERROR,
            dom,
            "XML error: Unknown disk name 'foo' and no address specified",
        ),
        (
            &format!("<disk>{source}<target dev='vda1'/></disk>"),
            code::CONFIG_UNSUPPORTED,
            dom,
            "unsupported configuration: invalid disk target 'vda1', partitions can't appear in disk targets",
        ),
        (
            &format!("<disk>{source}<target dev='vda' bus='zz'/></disk>"),
            code::XML_ERROR,
            xml,
            "XML error: Invalid value for attribute 'bus' in element 'target': 'zz'.",
        ),
        (
            &format!("<disk type='zz'>{source}<target dev='vda'/></disk>"),
            code::XML_ERROR,
            xml,
            "XML error: Invalid value for attribute 'type' in element 'disk': 'zz'.",
        ),
        (
            &format!("<disk device='cdrom'>{source}<target dev='vda'/></disk>"),
            code::CONFIG_UNSUPPORTED,
            dom,
            "unsupported configuration: disk type of 'vda' does not support ejectable media",
        ),
        (
            "<disk><source file='/a'/><target dev='vda'/></disk><disk><source file='/b'/><target dev='vda'/></disk>",
            code::XML_ERROR,
            dom,
            "XML error: target 'vda' duplicated for disk sources '/a' and '/b'",
        ),
    ];
    for (devices, code, domain, message) in cases {
        assert_eq!(refusal(&with_devices(devices)), (*code, *domain, (*message).to_owned()), "{devices}");
    }
}

#[test]
fn parts_of_disks_that_are_wrong_get_libvirts_codes_and_words() {
    let (dom, xml) = (from::DOMAIN, from::XML);
    let store = |children: &str| format!("<driver type='qcow2'/><backingStore type='file'>{children}</backingStore>");
    let cases: &[(&str, i32, i32, &str)] = &[
        ("<driver type='zz'/>", code::CONFIG_UNSUPPORTED, dom, "unsupported configuration: unknown driver format value 'zz'"),
        (
            "<driver type='raw' cache='zz'/>",
            code::XML_ERROR,
            xml,
            "XML error: Invalid value for attribute 'cache' in element 'driver': 'zz'.",
        ),
        ("<serial>a/b</serial>", code::INTERNAL_ERROR, dom, "internal error: driver serial 'a/b' contains unsafe characters"),
        (
            "<boot order='0'/>",
            code::XML_ERROR,
            xml,
            "XML error: Invalid value for attribute 'order' in element 'boot': Zero is not permitted",
        ),
        (
            "<backingStore type='file'><format type='raw'/><source file='/b'/></backingStore><driver type='raw'/>",
            code::CONFIG_UNSUPPORTED,
            dom,
            "unsupported configuration: storage format 'raw' does not support backing store",
        ),
        // raw is what an image is without a format.
        (
            "<backingStore type='file'><format type='raw'/><source file='/b'/></backingStore>",
            code::CONFIG_UNSUPPORTED,
            dom,
            "unsupported configuration: storage format 'raw' does not support backing store",
        ),
        (&store("<source file='/b'/>"), code::XML_ERROR, dom, "XML error: missing disk backing store format"),
        (&store("<format type='qcow2'/>"), code::XML_ERROR, dom, "XML error: missing disk backing store source"),
        (&store("<format type='zz'/><source file='/b'/>"), code::XML_ERROR, dom, "XML error: unknown storage source format 'zz'"),
    ];
    for (children, code, domain, message) in cases {
        assert_eq!(refusal(&with_disk(children)), (*code, *domain, (*message).to_owned()), "{children}");
    }
    let ordered = with_disk("<boot order='1'/>").replace("</type></os>", "</type><boot dev='hd'/></os>");
    assert!(refusal(&ordered).2.ends_with("per-device boot elements cannot be used together with os/boot elements"));
}

#[test]
fn what_no_driver_honours_is_refused_by_name() {
    let devices = [
        "<interface type='network'><source network='default'/></interface>",
        "<serial type='pty'/>",
        "<console type='pty'/>",
        "<graphics type='vnc'/>",
        "<video><model type='qxl'/></video>",
        "<input type='tablet' bus='usb'/>",
        "<memballoon model='virtio'/>",
        "<rng model='virtio'/>",
        "<channel type='unix'/>",
        "<hostdev mode='subsystem'/>",
        "<filesystem type='mount'/>",
        "<watchdog model='i6300esb'/>",
        "<tpm model='tpm-crb'/>",
        "<controller type='usb' index='0' model='qemu-xhci'/>",
        "<controller type='scsi' index='0' model='lsilogic'/>",
        "<controller type='scsi' index='1' model='virtio-scsi'/>",
        "<controller type='pci' index='1' model='pcie-root-port'/>",
        "<bogus/>",
        "<disk device='floppy'><source file='/a'/><target dev='fda'/></disk>",
        "<disk type='network'><source protocol='nbd' name='x'/><target dev='vda'/></disk>",
        "<disk><source file='/a'/><target dev='hda'/></disk>",
        "<disk snapshot='no'><source file='/a'/><target dev='vda'/></disk>",
    ];
    let parts = [
        "<shareable/>",
        "<transient/>",
        "<iotune/>",
        "<address type='ccw'/>",
        "<encryption format='luks'/>",
        "<driver name='qemu' type='qcow2' iothread='1'/>",
        "<driver name='qemu' type='vmdk'/>",
        "<driver name='tap' type='raw'/>",
        "<target dev='vda' bus='usb'/>",
        "<target dev='vda' bus='virtio' removable='on'/>",
    ];
    let others = [
        "<cputune/>",
        "<numatune/>",
        "<memoryBacking/>",
        "<iothreads>1</iothreads>",
        "<sysinfo type='smbios'/>",
        "<genid/>",
        "<pm/>",
        "<seclabel type='dynamic'/>",
        "<maxMemory slots='1'>2048</maxMemory>",
        "<vcpu cpuset='0'>1</vcpu>",
        "<vcpu current='1'>2</vcpu>",
        "<os><type>hvm</type><loader/></os>",
        "<os><type>hvm</type><kernel>/k</kernel></os>",
        "<os><type>hvm</type><boot dev='network'/></os>",
        "<features><hyperv/></features>",
        "<features><apic eoi='on'/></features>",
        "<cpu mode='host-model'/>",
        "<cpu mode='host-passthrough'><topology sockets='1' cores='2' threads='1'/></cpu>",
        "<cpu mode='custom' check='full'><model>qemu64</model></cpu>",
        "<clock offset='localtime'/>",
        "<clock offset='utc'><timer name='hpet' present='no'/></clock>",
        "<on_reboot>preserve</on_reboot>",
        "<currentMemory>512</currentMemory>",
        "<qemu:capabilities/>",
        "<lxc:namespace/>",
    ];
    let documents = devices.iter().map(|d| with_devices(d)).chain(parts.iter().map(|p| with_disk(p))).chain(others.iter().map(|o| with(o)));
    let all = devices.iter().chain(&parts).chain(&others);
    for (document, part) in documents.zip(all) {
        let (code, _, message) = refusal(&document);
        assert_eq!(code, code::CONFIG_UNSUPPORTED, "{part}: {message}");
        let mut words = part.split(|c: char| !c.is_alphanumeric() && !"_-".contains(c)).filter(|word| word.len() > 1);
        assert!(words.any(|word| message.contains(word)), "{part}: {message}");
    }
}

#[test]
fn what_only_says_what_is_there_anyway_is_accepted() {
    let devices = "<controller type='pci' index='0' model='pci-root'/><controller type='usb' model='none'/>\
                   <controller type='scsi'/><input type='mouse' bus='ps2'/><input type='keyboard' bus='ps2'/>\
                   <audio id='1' type='none'/><memballoon model='none'/>";
    let def = DomainDef::parse(&with_devices(devices)).expect("accepted");
    let kinds: Vec<_> = def.controllers.iter().map(|c| (c.kind.as_str(), c.model.as_deref())).collect();
    assert_eq!(kinds, [("pci", Some("pci-root")), ("usb", Some("none")), ("scsi", Some("virtio-scsi"))]);

    let rest = "<cpu><model fallback='allow'>qemu64</model></cpu><clock offset='utc'/><seclabel type='none'/>\
                <vcpu placement='static' current='2'>2</vcpu><currentMemory>1024</currentMemory><uuid/>\
                <on_crash>restart</on_crash><features><acpi/><apic/><pae/></features>";
    let def = DomainDef::parse(&with(rest)).expect("accepted");
    assert_eq!((def.vcpus, def.cpu_model.as_deref(), def.uuid), (2, Some("qemu64"), None));
}

#[test]
fn a_balloon_that_is_not_there_gives_no_memory_back() {
    let def = DomainDef::parse(&with("<currentMemory>512</currentMemory><devices><memballoon model='none'/></devices>"));
    assert_eq!(def.map(|def| (def.memory_kib, def.current_memory_kib)), Ok((1024, 1024)));
}

#[test]
fn a_command_line_without_its_namespace_is_not_ignored() {
    let bare = with("<qemu:commandline><qemu:arg value='-S'/></qemu:commandline>").replace("xmlns:qemu", "xmlns:other");
    assert_eq!(refusal(&bare).0, code::CONFIG_UNSUPPORTED);
    let renamed = bare.replace("qemu:commandline", "other:commandline").replace("qemu:arg", "other:arg");
    assert_eq!(DomainDef::parse(&renamed).map(|def| def.qemu_args), Ok(vec!["-S".to_owned()]));
}

#[test]
fn the_test_driver_may_have_elements_of_its_own() {
    let document = with("<script:job at='5'/>");
    assert_eq!(refusal(&document).0, code::CONFIG_UNSUPPORTED);
    assert!(DomainDef::parse(&document.replace("'kvm'", "'test'")).is_ok());
}

#[test]
fn disks_get_libvirts_defaults() {
    let devices = "<disk><source file='/a'/><target dev='vda'/></disk>\
                   <disk type='block'><driver type='qcow2'/><source dev='/b'/><backingStore/><target dev='sda'/></disk>\
                   <disk device='cdrom'><target dev='sdb' bus='sata'/></disk>";
    let def = DomainDef::parse(&with_devices(devices)).expect("valid");
    let seen: Vec<_> = def
        .disks
        .iter()
        .map(|d| (d.target.as_str(), d.bus.as_str(), d.readonly, d.source().map(|i| (i.kind, i.format.as_str())), d.probe_after))
        .collect();
    assert_eq!(
        seen,
        [
            ("vda", "virtio", false, Some((ImageKind::File, "raw")), Some(1)),
            ("sda", "scsi", false, Some((ImageKind::Block, "qcow2")), None),
            ("sdb", "sata", true, None, None),
        ]
    );
    assert_eq!(def.controllers.iter().map(|c| c.kind.as_str()).collect::<Vec<_>>(), ["scsi", "sata"]);
    assert_eq!(def.boot, ["hd"]);
}

fn image(path: &str, index: u32) -> Image {
    Image { kind: ImageKind::File, path: path.to_owned(), format: "qcow2".to_owned(), index }
}

/// A running domain with a disk of three images.
fn running() -> DomainDef {
    let mut def = DomainDef::parse(&with_disk("<driver type='qcow2' cache='none'/><serial>abc</serial><readonly/>")).expect("valid");
    def.disks[0].chain = vec![image("/top", 3), image("/mid", 4), image("/base", 5)];
    def.disks[0].probe_after = Some(1);
    def.disks[0].alias = Some("virtio-disk0".to_owned());
    def
}

/// The lines of the first disk.
fn disk_lines(xml: &str) -> String {
    let from = xml.find("    <disk").expect("a disk");
    let to = xml.find("    </disk>").expect("its end");
    xml[from..to].to_owned()
}

#[test]
fn a_running_disk_is_printed_as_libvirt_prints_it() {
    let mut def = running();
    def.disks[0].mirror = Some(Mirror { job: MirrorJob::Copy, ready: MirrorReady::Yes, chain: vec![image("/copy'", 6)] });
    let xml = def.format(Some(7));
    assert!(xml.starts_with("<domain type='kvm' id='7'>\n  <name>a</name>\n"), "{xml}");
    assert_eq!(
        disk_lines(&xml),
        "    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none'/>
      <source file='/top' index='3'/>
      <backingStore type='file' index='4'>
        <format type='qcow2'/>
        <source file='/mid'/>
        <backingStore type='file' index='5'>
          <format type='qcow2'/>
          <source file='/base'/>
          <backingStore/>
        </backingStore>
      </backingStore>
      <mirror type='file' file='/copy&apos;' format='qcow2' job='copy' ready='yes'>
        <format type='qcow2'/>
        <source file='/copy&apos;' index='6'/>
        <backingStore/>
      </mirror>
      <target dev='vda' bus='virtio'/>
      <readonly/>
      <serial>abc</serial>
      <alias name='virtio-disk0'/>
"
    );
}

#[test]
fn the_mirrors_of_an_active_commit_and_of_a_shallow_copy_have_no_chain_of_their_own() {
    let mut def = running();
    let mut mirror = |job, chain| {
        def.disks[0].mirror = Some(Mirror { job, ready: MirrorReady::No, chain });
        let xml = disk_lines(&def.format(Some(1)));
        let from = xml.find("      <mirror").expect("a mirror");
        xml[from..xml.find("      <target").expect("a target")].to_owned()
    };
    assert_eq!(
        mirror(MirrorJob::ActiveCommit, vec![image("/base", 5)]),
        "      <mirror type='file' job='active-commit'>
        <format type='qcow2'/>
        <source file='/base' index='5'/>
      </mirror>
"
    );
    assert_eq!(
        mirror(MirrorJob::Copy, vec![image("/copy", 6), image("/mid", 4), image("/base", 5)]),
        "      <mirror type='file' file='/copy' format='qcow2' job='copy'>
        <format type='qcow2'/>
        <source file='/copy' index='6'/>
      </mirror>
"
    );
}

#[test]
fn the_inactive_document_leaves_out_mirrors_and_images_that_were_found_by_probing() {
    let mut def = running();
    def.disks[0].mirror = Some(Mirror { job: MirrorJob::Copy, ready: MirrorReady::Yes, chain: vec![image("/copy", 6)] });
    let xml = def.format(None);
    assert!(!xml.contains("<mirror") && !xml.contains("<backingStore") && !xml.contains(" id="), "{xml}");
    def.disks[0].probe_after = None;
    assert_eq!(def.format(None).matches("<backingStore").count(), 3);
}

#[test]
fn the_longest_chain_that_libvirt_allows_survives_being_printed_and_read() {
    let mut def = running();
    def.disks[0].chain = (1..=200).map(|i| image(&format!("/{i}"), i)).collect();
    def.disks[0].probe_after = None;
    assert_eq!(DomainDef::parse_live(&def.format(Some(1))), Ok(def));
}

#[test]
fn the_metadata_of_applications_is_kept() {
    let inner = "<app:a xmlns:app='urn:app'><app:b v='1'/> text <app:c/></app:a>";
    let def = DomainDef::parse(&with(&format!("<metadata>\n{inner}\n</metadata>"))).expect("valid");
    assert_eq!(def.metadata.as_deref(), Some(inner));
    let outer = with("<metadata><app:a/></metadata>").replace("<domain ", "<domain xmlns:app='urn:app' ");
    let xml = DomainDef::parse(&outer).expect("valid").format(None);
    assert!(xml.contains("xmlns:app='urn:app'") && xml.contains("  <metadata>\n    <app:a/>\n  </metadata>"), "{xml}");
}

#[test]
fn the_destination_of_a_copy_needs_a_source_and_nothing_else() {
    let disk = parse_disk("<disk type='file'><source file='/new'/></disk>").expect("valid");
    assert_eq!((disk.chain[0].path.as_str(), disk.chain[0].format.as_str(), disk.target.as_str()), ("/new", "", ""));
    let disk = parse_disk("<disk type='block'><driver type='raw'/><source dev='/dev/x'/><target dev='zz'/></disk>").expect("valid");
    assert_eq!((disk.chain[0].kind, disk.chain[0].format.as_str()), (ImageKind::Block, "raw"));
    assert_eq!(parse_disk("<disk/>").map_err(|e| e.code), Err(code::NO_SOURCE));
    assert_eq!(parse_disk("<domain/>").map_err(|e| e.code), Err(code::XML_ERROR));
    assert_eq!(parse_disk("<disk").map_err(|e| (e.code, e.domain)), Err((code::XML_DETAIL, from::DOMAIN)));
}

#[test]
fn a_disk_to_attach_is_complete_and_one_to_detach_is_known_by_its_target() {
    let disk = parse_attached("<disk><source file='/a'/><target dev='vdb'/></disk>").expect("valid");
    assert_eq!((disk.target.as_str(), disk.chain[0].format.as_str()), ("vdb", "raw"));
    assert_eq!(parse_attached("<disk><target dev='vdb'/></disk>").map_err(|e| e.code), Err(code::NO_SOURCE));
    assert_eq!(parse_detached("<disk><target dev='vdb'/></disk>").map(|d| d.target), Ok("vdb".to_owned()));
    assert_eq!(parse_detached("<disk><source file='/a'/></disk>").map_err(|e| e.code), Err(code::NO_TARGET));
    let other = parse_attached("<interface type='user'/>").expect_err("not a disk");
    assert_eq!(other.message(), "unsupported configuration: device 'interface' is not supported");
}

proptest! {
    #[test]
    fn a_configuration_survives_being_printed_and_read(def in domain(false)) {
        prop_assert_eq!(DomainDef::parse(&def.format(None)), Ok(def));
    }

    #[test]
    fn a_running_domain_survives_being_printed_and_read(def in domain(true)) {
        prop_assert_eq!(DomainDef::parse_live(&def.format(Some(7))), Ok(def));
    }

    #[test]
    fn a_running_domain_read_as_a_configuration_loses_what_only_a_running_one_has(def in domain(true)) {
        let read = DomainDef::parse(&def.format(Some(7)));
        prop_assert!(read.is_ok(), "{:?}", read);
        for disk in read.expect("checked").disks {
            prop_assert!(disk.mirror.is_none() && disk.chain.iter().all(|image| image.index == 0));
        }
    }
}

proptest! {
    #[test]
    fn a_damaged_domain_is_read_or_refused_without_a_panic(def in domain(true), at in any::<prop::sample::Index>(), other in any::<prop::sample::Index>()) {
        // Words of the document change places, so that most of the results are still well formed.
        let xml = def.format(Some(1));
        let mut words: Vec<&str> = xml.split_inclusive(['\'', '>']).collect();
        let (a, b) = (at.index(words.len()), other.index(words.len()));
        words.swap(a, b);
        let _ = DomainDef::parse_live(&words.concat());
        words.remove(a);
        let _ = DomainDef::parse(&words.concat());
    }
}

#[test]
fn libvirts_own_schema_accepts_what_is_printed() {
    let mut runner = TestRunner::deterministic();
    let mut documents = Vec::new();
    for live in [false, true] {
        for _ in 0..100 {
            let mut def = domain(live).new_tree(&mut runner).expect("a domain").current();
            strict(&mut def);
            documents.push(def.format(live.then_some(7)));
        }
    }
    assert_valid(Path::new("/usr/share/libvirt/schemas/domain.rng"), &documents);
}

/// Makes a domain one that the schema, which is narrower than libvirt's parser, has no objection to.
fn strict(def: &mut DomainDef) {
    def.name = "name".to_owned();
    def.title = None;
    for (i, disk) in def.disks.iter_mut().enumerate() {
        let mirror = disk.mirror.iter_mut().flat_map(|mirror| mirror.chain.iter_mut());
        for image in disk.chain.iter_mut().chain(mirror) {
            image.path = format!("/path/é/{i}");
        }
        disk.alias = disk.alias.as_ref().map(|_| format!("ua-{i}"));
    }
}
