//! Sizes with a unit.

use crate::model::{code, from, Error, Result};
use crate::xml::reader::Element;

/// The most memory that fits libvirt's interface, in KiB: a signed 64-bit number of bytes.
const MAX_KIB: u64 = (i64::MAX as u64) >> 10;

/// The memory that a child element gives, in KiB, rounded up; `None` without the element. KiB is the unit unless another
/// one is named.
pub(super) fn kib(parent: &Element, name: &str) -> Result<Option<u64>> {
    let Some(element) = parent.child(name) else { return Ok(None) };
    let text = element.text.trim();
    let value: u64 = text
        .parse()
        .map_err(|_| Error::xml(format!("Invalid value '{text}' for element or attribute './{name}[1]'")).raised_by(from::XML))?;
    let unit = element.attr("unit").unwrap_or("KiB");
    let bytes = u128::from(value) * u128::from(scale(unit)?);
    match u64::try_from(bytes.div_ceil(1024)) {
        Ok(kib) if kib <= MAX_KIB => Ok(Some(kib)),
        _ => Err(Error::new(code::OVERFLOW, format!("value too large: {value}{unit}"))),
    }
}

/// Bytes in a unit: `b`, `bytes`, then `K`, `KiB` by 1024 and `KB` by 1000, up to exa, in either case.
fn scale(unit: &str) -> Result<u64> {
    let lower = unit.to_ascii_lowercase();
    if matches!(lower.as_str(), "b" | "byte" | "bytes") {
        return Ok(1);
    }
    let unknown = || Error::invalid_arg(format!("unknown suffix '{unit}'"));
    let power = lower.chars().next().and_then(|c| "kmgtpe".find(c)).ok_or_else(unknown)?;
    let base: u64 = match &lower[1..] {
        "" | "ib" => 1024,
        "b" => 1000,
        _ => return Err(unknown()),
    };
    Ok((0..power).fold(base, |scale, _| scale * base))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::reader::parse;

    fn read(text: &str) -> Result<Option<u64>> {
        kib(&parse(&format!("<d>{text}</d>"))?, "memory")
    }

    #[test]
    fn units_are_libvirts_and_partial_kib_count_as_whole_ones() {
        let cases = [
            ("<memory>1024</memory>", 1024),
            ("<memory unit='b'>1</memory>", 1),
            ("<memory unit='bytes'>1025</memory>", 2),
            ("<memory unit='KB'>1024</memory>", 1000),
            ("<memory unit='k'>7</memory>", 7),
            ("<memory unit='MiB'> 64 </memory>", 65536),
            ("<memory unit='GB'>1</memory>", 976_563),
            ("<memory unit='TiB'>1</memory>", 1 << 30),
            ("<memory unit='EiB'>7</memory>", 7 << 50),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), Ok(Some(expected)), "{text}");
        }
        assert_eq!(read(""), Ok(None));
    }

    #[test]
    fn sizes_that_make_no_sense_get_libvirts_codes() {
        let code_of = |text| read(text).map_err(|e| e.code);
        assert_eq!(code_of("<memory>xx</memory>"), Err(code::XML_ERROR));
        assert_eq!(code_of("<memory>-1</memory>"), Err(code::XML_ERROR));
        assert_eq!(code_of("<memory unit='zz'>1</memory>"), Err(code::INVALID_ARG));
        assert_eq!(code_of("<memory unit='Kiä'>1</memory>"), Err(code::INVALID_ARG));
        assert_eq!(code_of("<memory unit='é'>1</memory>"), Err(code::INVALID_ARG));
        assert_eq!(code_of("<memory unit='EiB'>1024</memory>"), Err(code::OVERFLOW));
    }
}
