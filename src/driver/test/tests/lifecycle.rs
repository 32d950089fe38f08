use crate::driver::test::testing::Stage;
use crate::driver::{Connection, Key};
use crate::model::domain::reason;
use crate::model::{code, DomainState};

#[test]
fn the_default_world_is_libvirts() {
    let stage = Stage::default_world();
    let domain = stage.connection.lookup(Key::Name("test")).unwrap();
    assert_eq!(domain.uuid.to_string(), "6695eb01-f6a4-8304-79aa-97f2502e193f");
    assert_eq!(domain.id, 1);
    let info = stage.domain("test").info().unwrap();
    assert_eq!((info.state, info.max_mem_kib, info.memory_kib, info.vcpus), (DomainState::Running, 8_388_608, 2_097_152, 2));
    let xml = stage.domain("test").xml(0).unwrap();
    for index in 1..=5 {
        assert!(xml.contains(&format!("index='{index}'")), "vda[{index}] is missing in {xml}");
    }
}

#[test]
fn a_suspended_domain_resumes_with_libvirts_states_and_events() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    assert_eq!(test.resume().map_err(|e| e.code), Err(code::INTERNAL_ERROR));
    test.suspend().unwrap();
    assert_eq!(test.state(), Ok((DomainState::Paused, reason::PAUSED_USER)));
    assert_eq!(test.suspend().map_err(|e| e.code), Err(code::INTERNAL_ERROR));
    test.resume().unwrap();
    assert_eq!(test.state(), Ok((DomainState::Running, reason::RUNNING_UNPAUSED)));
    assert_eq!(stage.heard(), ["lifecycle 3 0", "lifecycle 4 0"]);
}

#[test]
fn a_persistent_domain_can_be_started_again_after_its_end() {
    let stage = Stage::default_world();
    let test = stage.domain("test");
    test.shutdown(0).unwrap();
    assert_eq!(test.state(), Ok((DomainState::Shutoff, reason::SHUTOFF_SHUTDOWN)));
    assert_eq!(test.identity().id, -1);
    assert_eq!(test.destroy(0).map_err(|e| e.code), Err(code::OPERATION_INVALID));
    test.start(0).unwrap();
    assert_eq!(test.start(0).map_err(|e| e.code), Err(code::INTERNAL_ERROR));
    assert_eq!(test.identity().id, 2);
    test.destroy(0).unwrap();
    assert_eq!(stage.heard(), ["lifecycle 5 0", "lifecycle 2 0", "lifecycle 5 1"]);
}

#[test]
fn a_created_domain_is_gone_after_its_end() {
    let stage = Stage::default_world();
    let xml = "<domain type='test'><name>t2</name><memory>1000</memory><os><type>hvm</type></os></domain>";
    let created = stage.connection.create_xml(xml, 0).unwrap();
    assert_eq!(created.id, 2);
    assert_eq!(stage.connection.create_xml(xml, 0).map_err(|e| e.code), Err(code::OPERATION_FAILED));
    let t2 = stage.domain("t2");
    assert!(!t2.is_persistent());
    t2.destroy(0).unwrap();
    assert_eq!(stage.connection.lookup(Key::Uuid(created.uuid)).map_err(|e| e.code), Err(code::NO_DOMAIN));
    assert_eq!(stage.heard(), ["lifecycle 2 0", "lifecycle 5 1"]);
}
