//! The 16-byte identity of a domain.

use std::fmt;

/// A UUID as libvirt carries it: 16 raw bytes, printed in lower case with hyphens.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// The all-zero UUID, which QEMU reports when it was started without `-uuid`.
    pub const NIL: Uuid = Uuid([0; 16]);

    /// Reads a UUID as libvirt does: 32 hexadecimal digits with hyphens or blanks anywhere between bytes.
    pub fn parse(text: &str) -> Option<Uuid> {
        let mut bytes = [0u8; 16];
        let mut digits = 0;
        for c in text.trim().chars() {
            if matches!(c, '-' | ' ') && digits % 2 == 0 {
                continue;
            }
            let value = c.to_digit(16)? as u8;
            let byte = bytes.get_mut(digits / 2)?;
            *byte = (*byte << 4) | value;
            digits += 1;
        }
        (digits == 32).then_some(Uuid(bytes))
    }

    /// A stable UUID for something that has none: derived from its name, marked as version 8 (custom).
    pub fn derived(seed: &str) -> Uuid {
        let mut bytes = [0u8; 16];
        for (half, offset) in [(0usize, 0xcbf2_9ce4_8422_2325u64), (1, 0x6c62_272e_07bb_0142)] {
            let hash = seed.bytes().fold(offset, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3));
            bytes[half * 8..half * 8 + 8].copy_from_slice(&hash.to_be_bytes());
        }
        bytes[6] = (bytes[6] & 0x0f) | 0x80;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Uuid(bytes)
    }

    /// A version 4 UUID from 16 random bytes.
    pub fn from_random(mut bytes: [u8; 16]) -> Uuid {
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Uuid(bytes)
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_round_trips_through_its_text() {
        let text = "6695eb01-f6a4-8304-79aa-97f2502e193f";
        assert_eq!(Uuid::parse(text).map(|u| u.to_string()).as_deref(), Some(text));
        assert_eq!(Uuid::parse(&text.replace('-', "")).map(|u| u.to_string()).as_deref(), Some(text));
    }

    #[test]
    fn what_is_not_a_uuid_is_refused() {
        for text in [
            "",
            "6695",
            "6695eb01-f6a4-8304-79aa-97f2502e193",
            "6695eb01-f6a4-8304-79aa-97f2502e193g",
            "6695eb01-f6a4-8304-79aa-97f2502e193f0",
        ] {
            assert_eq!(Uuid::parse(text), None, "{text}");
        }
    }
}
