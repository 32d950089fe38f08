//! What a monitor says: lines, messages, whole conversations, and what it tells of disks.

use serde_json::{json, Value};

use super::watch::Watch;
use super::Choices;
use crate::driver::qemu::disks::Disks;
use crate::driver::qemu::translate::{listing, observations};
use crate::job::Observation;
use crate::qmp::message::{Id, Message};
use crate::qmp::{Client, ProtocolError, Splitter, Step};

/// Shorter than what the fuzzer makes, so that the limit is met.
const LONGEST: usize = 1000;

/// However a stream is cut, its messages are the same; they are its lines, and nothing is held beyond the limit.
pub(super) fn splitter(input: &[u8]) {
    let mut choices = Choices(input);
    let pieces: Vec<usize> = (0..4).map(|_| 1 + usize::from(choices.byte()) * 3).collect();
    let stream = choices.0;
    let whole = split(stream, &[usize::MAX]);
    assert_eq!(split(stream, &pieces), whole, "cut into {pieces:?}");
    assert_eq!(split(stream, &[1]), whole, "cut into bytes");
    let (messages, error) = whole;
    assert!(messages.iter().all(|message| message.len() <= LONGEST && !message.trim_ascii().is_empty()));
    let mut lines = stream.split(|&byte| byte == b'\n').collect::<Vec<_>>();
    // What comes after the last line break is not complete.
    let rest = lines.pop().unwrap_or_default();
    if lines.iter().all(|line| line.trim_ascii() != b"{") {
        let too_long = |line: &&&[u8]| line.len() > LONGEST;
        let good = lines.iter().take_while(|line| !too_long(line)).filter(|line| !line.trim_ascii().is_empty());
        assert!(good.eq(messages.iter()));
        assert_eq!(error.is_some(), lines.iter().any(|line| too_long(&line)) || rest.len() > LONGEST);
    }
}

fn split(stream: &[u8], pieces: &[usize]) -> (Vec<Vec<u8>>, Option<ProtocolError>) {
    let mut splitter = Splitter::new(LONGEST);
    let (mut out, mut rest, mut turn) = (Vec::new(), stream, pieces.iter().cycle());
    while !rest.is_empty() {
        let space = splitter.space();
        assert!(!space.is_empty(), "there is no room although everything has been taken");
        let n = space.len().min(rest.len()).min(*turn.next().unwrap_or(&usize::MAX));
        space[..n].copy_from_slice(&rest[..n]);
        splitter.advance(n);
        rest = &rest[n..];
        loop {
            match splitter.next_message() {
                Ok(Some(message)) => out.push(message.to_vec()),
                Ok(None) => break,
                Err(error) => return (out, Some(error)),
            }
        }
    }
    (out, None)
}

/// A message says the same when it is written down again, and what is made of it is bounded by its length.
pub(super) fn message(input: &[u8]) {
    match Message::decode(input) {
        Ok(Message::Event(event)) => {
            for seen in observations(&event.name, &event.data) {
                Watch::default().observe(seen);
            }
            let again = json!({
                "event": event.name, "data": event.data,
                "timestamp": { "seconds": event.seconds, "microseconds": event.micros },
            });
            if is_exact(&event.data) {
                assert_eq!(Message::decode(again.to_string().as_bytes()), Ok(Message::Event(event)));
            }
        }
        Ok(Message::Reply { id, outcome: Ok(value) }) => {
            let jobs = listing(&value);
            assert!(jobs.len() <= input.len() / 2);
            assert!(jobs.iter().all(|job| (1..=1024).contains(&job.id.len())));
            if let (Id::Ours(number), true) = (id, is_exact(&value)) {
                let again = json!({ "return": value, "id": number });
                assert_eq!(Message::decode(again.to_string().as_bytes()), Ok(Message::Reply { id, outcome: Ok(value) }));
            }
        }
        Ok(_) => {}
        Err(error) => assert!(error.to_string().len() < 4096, "the error is as long as the message"),
    }
}

/// Whether a value has no fractions, which may come back as others.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(list) => list.iter().all(is_exact),
        Value::Object(members) => members.values().all(is_exact),
        _ => true,
    }
}

/// A monitor that says these lines. Whatever they are, subscribers hear what the interface promises.
pub(super) fn conversation(input: &[u8]) {
    let (mut splitter, mut rest) = (Splitter::new(1 << 16), input);
    let mut client: Client<()> = Client::default();
    let mut watch = Watch::default();
    watch.start();
    while !rest.is_empty() {
        let space = splitter.space();
        let n = space.len().min(rest.len());
        space[..n].copy_from_slice(&rest[..n]);
        splitter.advance(n);
        rest = &rest[n..];
        while let Ok(Some(line)) = splitter.next_message() {
            let Ok(step) = Message::decode(line).and_then(|message| client.accept(message)) else { return watch.end() };
            match step {
                Step::Event(event) => observations(&event.name, &event.data).into_iter().for_each(|seen| watch.observe(seen)),
                Step::Reply { outcome: Ok(value), .. } => watch.answer(listing(&value)),
                Step::Greeted { .. } | Step::Ready | Step::Reply { .. } | Step::Nothing => {}
            }
            // At most one question is on its way; an answer to another is none.
            if client.is_running() && client.pending().len() == 0 {
                client.command("query-jobs", Value::Null, ());
                watch.ask();
            }
        }
    }
    watch.end();
}

/// Answers to `query-block` and `query-block-exports`, one a line: what is made of them can be described and found again.
pub(super) fn disks(input: &[u8]) {
    let mut disks = Disks::default();
    for line in input.split(|&byte| byte == b'\n').take(8) {
        let Ok(Message::Reply { outcome: Ok(reply), .. }) = Message::decode(line) else { continue };
        let before = disks.list.len();
        let orphans = disks.refresh(&reply, None);
        assert!(orphans.iter().all(|link| link.ours), "{orphans:?}");
        assert!(disks.list.len() >= before && disks.list.len() <= 1024);
        for disk in &disks.list {
            assert!(disks.find(&disk.front.target).is_ok(), "{disk:?}");
            assert!(disk.links.len() <= 256);
            let shown = disk.describe();
            assert_eq!(shown.chain.len(), disk.links.len());
        }
        let mut targets: Vec<&str> = disks.list.iter().map(|disk| disk.front.target.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        assert_eq!(targets.len(), disks.list.len(), "two disks have one name");
        let index = disks.next_index();
        assert!(disks.list.iter().flat_map(|disk| &disk.links).all(|link| link.image.index < index));
        disks.drop_unplugged(|_| false);
    }
}

impl Watch {
    pub(super) fn answer(&mut self, jobs: Vec<crate::job::Listed>) {
        let asked = self.asked;
        self.observe(Observation::Answer { asked, jobs });
    }
}
