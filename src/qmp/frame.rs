//! Takes a monitor's byte stream apart into messages, in bounded memory.

use super::error::ProtocolError;

/// The first buffer, and the least room that is offered to a read.
const LEAST: usize = 4 * 1024;
/// The most room that is offered to a read, and what an idle splitter may keep.
const MOST: usize = 64 * 1024;

/// Splits a stream into messages.
///
/// QEMU ends each message with a line break. With `pretty=on` it also breaks lines inside, but then a message
/// begins with a line that is nothing but `{` and ends with the next line that begins with `}`.
pub struct Splitter {
    /// Storage; `start..end` holds what has not been handed out.
    buf: Vec<u8>,
    start: usize,
    /// Where the line begins that is being looked at; after `start` only inside a pretty message.
    line: usize,
    /// Up to here there is no line break after `line`.
    scanned: usize,
    end: usize,
    max: usize,
}

impl Splitter {
    /// `max`: the longest message in bytes.
    pub fn new(max: usize) -> Splitter {
        Splitter { buf: Vec::new(), start: 0, line: 0, scanned: 0, end: 0, max }
    }

    /// Room for the next bytes of the stream; tell [`Splitter::advance`] how many there were.
    /// Empty if what is held is too long already and has not been taken.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            self.rewind();
        }
        if self.buf.len() - self.end < LEAST / 4 {
            self.make_room();
        }
        let room = (self.buf.len() - self.end).min(MOST);
        &mut self.buf[self.end..self.end + room]
    }

    /// The first `count` bytes of [`Splitter::space`] have been filled.
    pub fn advance(&mut self, count: usize) {
        self.end = self.buf.len().min(self.end + count);
    }

    /// The next whole message, without its line break.
    ///
    /// # Errors
    /// [`ProtocolError::TooLong`], now and ever after.
    pub fn next_message(&mut self) -> Result<Option<&[u8]>, ProtocolError> {
        while let Some(length) = self.buf[self.scanned..self.end].iter().position(|&b| b == b'\n') {
            let (from, to) = (self.start, self.scanned + length);
            if to - from > self.max {
                return Err(ProtocolError::TooLong(self.max));
            }
            let text = self.buf[self.line..to].trim_ascii();
            let first = self.line == from;
            let whole = if first { text != b"{" } else { self.buf[self.line] == b'}' };
            let blank = first && text.is_empty();
            self.scanned = to + 1;
            self.line = to + 1;
            if whole {
                self.start = to + 1;
            }
            if whole && !blank {
                return Ok(Some(&self.buf[from..to]));
            }
        }
        self.scanned = self.end;
        if self.end - self.start > self.max {
            return Err(ProtocolError::TooLong(self.max));
        }
        Ok(None)
    }

    /// Starts over at the front, and gives back what a long message had needed.
    fn rewind(&mut self) {
        (self.start, self.line, self.scanned, self.end) = (0, 0, 0, 0);
        if self.buf.len() > MOST {
            self.buf = Vec::new();
        }
    }

    /// Moves what is held to the front; if that is not enough, doubles the storage.
    fn make_room(&mut self) {
        self.buf.copy_within(self.start..self.end, 0);
        self.line -= self.start;
        self.scanned -= self.start;
        self.end -= self.start;
        self.start = 0;
        if self.buf.len() - self.end < LEAST / 4 && self.end <= self.max {
            let wanted = (self.buf.len() * 2).clamp(LEAST, self.max.saturating_add(LEAST));
            self.buf.resize(wanted.max(self.buf.len()), 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Feeds `bytes` in pieces of the given lengths (taken in turn) and collects the messages.
    fn split(bytes: &[u8], pieces: &[usize], max: usize) -> (Vec<Vec<u8>>, Option<ProtocolError>) {
        let mut splitter = Splitter::new(max);
        let (mut out, mut rest, mut turn) = (Vec::new(), bytes, pieces.iter().cycle());
        while !rest.is_empty() {
            let space = splitter.space();
            let n = space.len().min(rest.len()).min(*turn.next().unwrap_or(&usize::MAX)).max(1);
            space[..n].copy_from_slice(&rest[..n]);
            splitter.advance(n);
            rest = &rest[n..];
            loop {
                match splitter.next_message() {
                    Ok(Some(message)) => out.push(message.to_vec()),
                    Ok(None) => break,
                    Err(e) => return (out, Some(e)),
                }
            }
        }
        (out, None)
    }

    #[test]
    fn messages_end_with_a_line_break_and_blank_lines_are_none() {
        let (messages, error) = split(b"{\"a\":1}\r\n\r\n\n{\"b\":2}\nrest", &[], 100);
        assert_eq!(messages, [b"{\"a\":1}\r".to_vec(), b"{\"b\":2}".to_vec()]);
        assert_eq!(error, None);
    }

    #[test]
    fn a_pretty_printed_message_is_one_message() {
        let pretty = b"{\r\n    \"return\": {\r\n    },\r\n    \"id\": 1\r\n}\r\n{\"event\": \"X\"}\r\n";
        let (messages, error) = split(pretty, &[1], 100);
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert!(messages[0].starts_with(b"{") && messages[0].ends_with(b"}\r"));
        assert_eq!(error, None);
    }

    #[test]
    fn a_line_of_exactly_the_limit_passes_and_one_more_byte_does_not() {
        for piece in [1, 7, 4096] {
            let (messages, error) = split(&[&[b'x'; 5000][..], b"\n"].concat(), &[piece], 5000);
            assert_eq!((messages.len(), error), (1, None));
            let (messages, error) = split(&[&[b'x'; 5001][..], b"\n"].concat(), &[piece], 5000);
            assert_eq!((messages.len(), error), (0, Some(ProtocolError::TooLong(5000))));
        }
    }

    #[test]
    fn an_endless_line_is_refused_without_holding_more_than_the_limit() {
        let mut splitter = Splitter::new(100_000);
        loop {
            let space = splitter.space();
            space.fill(b'x');
            let n = space.len();
            splitter.advance(n);
            if splitter.next_message().is_err() {
                break;
            }
        }
        assert!(splitter.buf.len() <= 100_000 + LEAST, "{}", splitter.buf.len());
        for _ in 0..1000 {
            let n = splitter.space().len();
            splitter.advance(n);
            assert_eq!(splitter.next_message(), Err(ProtocolError::TooLong(100_000)));
        }
        assert!(splitter.buf.len() <= 100_000 + LEAST);
    }

    #[test]
    fn the_memory_of_a_long_message_is_given_back() {
        let mut splitter = Splitter::new(1 << 20);
        let long = [&[b'x'; 500_000][..], b"\n"].concat();
        let mut rest = &long[..];
        while !rest.is_empty() {
            let space = splitter.space();
            let n = space.len().min(rest.len());
            space[..n].copy_from_slice(&rest[..n]);
            splitter.advance(n);
            rest = &rest[n..];
            let _ = splitter.next_message();
        }
        splitter.space();
        assert!(splitter.buf.capacity() <= MOST);
    }

    proptest! {
        #[test]
        fn how_a_stream_is_cut_does_not_change_its_messages(
            lines in prop::collection::vec("(\\{|\\}|[ a-z{}\"]{0,40})\r?\n", 0..40), pieces in prop::collection::vec(1usize..200, 1..20)
        ) {
            let stream = lines.concat().into_bytes();
            prop_assert_eq!(split(&stream, &pieces, 1 << 20), split(&stream, &[], 1 << 20));
        }

        #[test]
        fn arbitrary_bytes_are_never_lost_nor_invented(bytes in prop::collection::vec(any::<u8>(), 0..5000), pieces in prop::collection::vec(1usize..2000, 1..5)) {
            let (messages, error) = split(&bytes, &pieces, 2000);
            let total: usize = messages.iter().map(|m| m.len() + 1).sum();
            prop_assert!(total <= bytes.len());
            prop_assert!(error.is_none() || bytes.len() > 2000);
        }
    }
}
