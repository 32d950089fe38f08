use std::path::Path;

use crate::driver::request::ListFilter;
use crate::driver::test::testing::Stage;
use crate::driver::Domain;
use crate::model::JobType;
use crate::xml::validate::{assert_valid, own_schema};

/// The XML of every job of a domain, with statistics and without.
fn documents(domain: &dyn Domain) -> Vec<String> {
    let mut names = Vec::new();
    domain.list_jobs(ListFilter(0), &mut |job| names.push(job.name().to_owned())).unwrap();
    names.iter().flat_map(|name| [true, false].map(|stats| domain.job_xml(name, stats).unwrap())).collect()
}

/// A domain of three disks, each with a backing image, and these jobs.
fn world(jobs: &str) -> String {
    let disk = |name: &str| {
        format!(
            "<disk type='file'><driver name='qemu' type='qcow2'/><source file='/{name}'/>
            <backingStore type='file'><format type='raw'/><source file='/{name}.base'/><backingStore/></backingStore><target dev='{name}'/></disk>"
        )
    };
    let disks: String = ["vda", "vdb", "vdc"].map(disk).concat();
    format!(
        "<node xmlns:j='urn:virt-jobs:test:1.0'><domain type='test'><name>d</name><memory>1024</memory><os><type>hvm</type></os>
        <devices>{disks}</devices>{jobs}</domain></node>"
    )
}

#[test]
fn the_xml_of_every_type_of_job_in_every_state_is_valid() {
    let mut all = Vec::new();
    for kind in JobType::ALL.iter().filter(|kind| **kind != JobType::None) {
        let own = match kind {
            JobType::BlockCopy => "target='/c'",
            _ => "",
        };
        // The chain has no image between its top and its base.
        if *kind != JobType::BlockCommit {
            let running = format!("<j:job type='{kind}' disk='vda' at='33.3%' bandwidth='1KiB' {own}/>");
            all.extend(documents(&*Stage::new(&world(&running)).domain("d")));
        }
        let stage = Stage::new(&world(&format!(
            "<j:job type='{kind}' id='&lt;&amp;&quot;é' bandwidth='1KiB' dismiss='manual' finalize='manual'><disk name='vda'/><disk name='vdb'/></j:job>
            <j:job type='{kind}' state='failed' disk='vdc' error='&lt;no&gt; &amp; &quot;why&quot;' target='/t' top='vda' base='vda[1]'/>
            <j:job type='{kind}' state='completed'><disk name='vda'/><disk name='vdb'/></j:job>
            <j:job type='{kind}' state='aborted' id='old' dismiss='manual'/>"
        )));
        stage.clock.advance(2000);
        all.extend(documents(&*stage.domain("d")));
    }
    assert!(all.len() > 120, "only {} documents", all.len());
    assert_valid(&own_schema("domain-job.rng"), &all);
}

#[test]
fn the_xml_of_domains_backups_and_snapshots_is_valid_for_libvirt() {
    let libvirts = |name: &str| Path::new("/usr/share/libvirt/schemas").join(name);
    let stage = Stage::new(&world("<j:job type='block-copy' disk='vda' target='/copy'/>"));
    let domain = stage.domain("d");
    assert_valid(&libvirts("domain.rng"), &[0, 2].map(|flags| domain.xml(flags).unwrap()));
    let disk = "<domainbackup><disks><disk name='vdb' type='file'/></disks></domainbackup>";
    domain.backup_begin(disk, None, 1).unwrap();
    // libvirt prints the number of the target, too, although its schema does not know of it.
    let backup = domain.backup_xml().unwrap();
    assert!(backup.contains(" index='3'"), "{backup}");
    assert_valid(&libvirts("domainbackup.rng"), &[backup.replace(" index='3'", "")]);
    domain.abort_job(0).unwrap();
    stage.clock.advance(10_000);
    domain.block_job_abort("vda", false, true).unwrap();
    domain.snapshot_create("<domainsnapshot><name>all</name></domainsnapshot>", 0).unwrap();
    domain.snapshot_create("<domainsnapshot><name>disks</name><description>x</description></domainsnapshot>", 16).unwrap();
    assert_valid(&libvirts("domainsnapshot.rng"), &["all", "disks"].map(|name| domain.snapshot_xml(name).unwrap()));
}
