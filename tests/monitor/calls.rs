//! Commands and their answers.

use serde_json::{json, Value};
use virt_jobs::qmp::CallError;

use crate::fake::Fake;
use crate::watcher::Watcher;

#[test]
fn a_call_returns_what_the_monitor_answers() {
    let fake = Fake::echo();
    let monitor = fake.open(Watcher::new());
    assert_eq!(monitor.version(), (7, 2, 3));
    assert_eq!(monitor.package(), "fake");
    assert_eq!(monitor.capabilities(), ["oob"]);
    assert_eq!(monitor.peer_pid(), Some(std::process::id() as i32));
    assert_eq!(monitor.call("x", json!({"a": [1, 2]})), Ok(json!({"a": [1, 2]})));
    assert_eq!(monitor.call("x", Value::Null), Ok(Value::Null));
    drop(monitor);
    fake.join();
}

#[test]
fn an_error_of_the_monitor_is_the_callers() {
    let fake = Fake::new(|mut peer| {
        let command = peer.command().expect("a command");
        peer.line(json!({"error": {"class": "DeviceNotActive", "desc": "no job"}, "id": command["id"]}).to_string());
        peer.drain();
    });
    let error = fake.open(Watcher::new()).call("block-job-cancel", Value::Null).expect_err("an error");
    let wanted = CallError::Qmp { command: "block-job-cancel".into(), class: "DeviceNotActive".into(), desc: "no job".into() };
    assert_eq!(error, wanted);
    assert_eq!(error.to_string(), "unable to execute QEMU command 'block-job-cancel': no job");
    fake.join();
}
