use super::*;

const FULL: &str = r#"<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>a&lt;&amp;'"é</name>
  <memory unit='MiB'>64</memory>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <devices>
    <disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>
  </devices>
  <qemu:commandline><qemu:arg value="a'b"/></qemu:commandline>
</domain>"#;

#[test]
fn a_configuration_survives_being_printed_and_read() {
    let def = DomainDef::parse(FULL).expect("valid");
    assert_eq!(DomainDef::parse(&def.format(None)), Ok(def));
}
