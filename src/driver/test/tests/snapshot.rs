use crate::driver::test::testing::Stage;
use crate::model::domain::reason;
use crate::model::{code, DomainState};

const HALT: u32 = 8;
const DISK_ONLY: u32 = 16;

fn named(name: &str) -> String {
    format!("<domainsnapshot><name>{name}</name></domainsnapshot>")
}

#[test]
fn a_snapshot_of_the_domain_can_be_reverted_to_and_deleted() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    assert_eq!(test.snapshot_create(&named("s1"), 0), Ok(("s1".into(), "snapshot-1".into())));
    assert_eq!(test.snapshot_create(&named("s1"), 0).map_err(|e| e.code), Err(code::OPERATION_FAILED));
    assert_eq!(stage.heard(), ["snapshot-1 running", "snapshot-1 completed", "job-completed"]);
    test.snapshot_create(&named("s2"), HALT).unwrap();
    assert_eq!(test.state(), Ok((DomainState::Shutoff, reason::SHUTOFF_FROM_SNAPSHOT)));
    assert_eq!(stage.heard().last().map(String::as_str), Some("lifecycle 5 6"));
    assert!(test.snapshot_xml("s2").unwrap().contains("<parent>\n    <name>s1</name>\n  </parent>\n"));

    test.snapshot_revert("s1", 0).unwrap();
    assert_eq!(test.state(), Ok((DomainState::Running, reason::RUNNING_FROM_SNAPSHOT)));
    assert_eq!(stage.heard()[2..], ["lifecycle 2 3"]);
    test.snapshot_revert("s1", 2).unwrap();
    assert_eq!(test.state(), Ok((DomainState::Paused, reason::PAUSED_FROM_SNAPSHOT)));
    assert_eq!(stage.heard()[2..], ["lifecycle 5 6", "lifecycle 2 3", "lifecycle 3 5"]);

    test.snapshot_delete("s1", 0).unwrap();
    assert_eq!(stage.heard(), ["snapshot-delete-5 running", "snapshot-delete-5 completed"]);
    assert_eq!(test.snapshot_names(), Ok(vec!["s2".to_owned()]));
    assert_eq!(test.snapshot_revert("s1", 0).map_err(|e| e.code), Err(code::NO_DOMAIN_SNAPSHOT));
    assert!(!test.snapshot_xml("s2").unwrap().contains("<parent>"));
}

#[test]
fn a_snapshot_of_disks_puts_new_images_on_top() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    let xml = "<domainsnapshot><name>s1</name><disks><disk name='vdb' snapshot='no'/></disks></domainsnapshot>";
    let (_, job) = test.snapshot_create(xml, DISK_ONLY).unwrap();
    assert_eq!(job, "snapshot-vda-1");
    let jobs = ["block-create-vda-2 running", "block-create-vda-2 completed", "snapshot-vda-1 running", "snapshot-vda-1 completed"];
    assert_eq!(stage.heard(), jobs);
    let live = test.xml(0).unwrap();
    assert!(live.contains("<source file='/guest/diskimage1.s1'"), "{live}");
    let snapshot = test.snapshot_xml("s1").unwrap();
    assert!(snapshot.contains("<state>disk-snapshot</state>") && snapshot.contains("<disk name='vdb' snapshot='no'/>"), "{snapshot}");
    assert_eq!(test.snapshot_revert("s1", 0).map_err(|e| e.code), Err(code::CONFIG_UNSUPPORTED));
}

#[test]
fn children_are_deleted_with_their_parent_if_asked() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    for name in ["a", "b", "c"] {
        test.snapshot_create(&named(name), 0).unwrap();
    }
    test.snapshot_delete("b", 1).unwrap();
    assert_eq!(test.snapshot_names(), Ok(vec!["a".to_owned()]));
}

#[test]
fn a_disk_with_a_job_gets_no_snapshot() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    test.block_pull(&crate::driver::request::BlockPull { disk: "vda", base: None, bandwidth: 0, flags: 0 }).unwrap();
    assert_eq!(test.snapshot_create("<domainsnapshot/>", DISK_ONLY).map_err(|e| e.code), Err(code::OPERATION_UNSUPPORTED));
    assert_eq!(test.snapshot_names(), Ok(vec![]));
}
