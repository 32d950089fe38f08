//! Numbers with units in fixtures.

use super::fixture::wrong;
use super::script::At;
use crate::model::Result;
use crate::xml::reader::Element;

/// Reads `10`, `64MiB`, or `64` with a `unit` attribute, as bytes.
pub(super) fn size(text: &str, element: &Element) -> Result<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let suffix = &text[digits.len()..];
    let unit = match (suffix, element.attr("unit")) {
        ("", unit) => unit.unwrap_or("B"),
        (suffix, None) => suffix,
        (_, Some(_)) => return Err(wrong(element, format!("'{text}' has a unit, and so has the element"))),
    };
    let factor: u64 = match unit {
        "B" | "bytes" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err(wrong(element, format!("unit '{unit}' is not B, KiB, MiB or GiB"))),
    };
    let number: Option<u64> = digits.parse().ok();
    number.and_then(|n| n.checked_mul(factor)).ok_or_else(|| wrong(element, format!("'{text}' is not a size")))
}

/// Reads `12.5%` or a size.
pub(super) fn position(text: &str, element: &Element) -> Result<At> {
    let Some(percent) = text.strip_suffix('%') else { return Ok(At::Bytes(size(text, element)?)) };
    let (whole, tenth) = percent.split_once('.').unwrap_or((percent, "0"));
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let parsed = if plain(whole) && plain(tenth) && tenth.len() == 1 { whole.parse().ok().zip(tenth.parse().ok()) } else { None };
    match parsed.map(|(whole, tenth): (u64, u64)| whole.saturating_mul(10).saturating_add(tenth)) {
        Some(permille) if permille <= 1000 => Ok(At::Permille(permille)),
        _ => Err(wrong(element, format!("'{text}' is not a percentage up to 100 with at most one decimal"))),
    }
}

/// Reads `250ms` or `2s`, as milliseconds.
pub(super) fn duration(text: &str, element: &Element) -> Result<u64> {
    let parsed = match text.strip_suffix("ms") {
        Some(ms) => ms.parse().ok(),
        None => text.strip_suffix('s').and_then(|s| s.parse::<u64>().ok()?.checked_mul(1000)),
    };
    parsed.ok_or_else(|| wrong(element, format!("'{text}' is not a time such as 250ms or 2s")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_positions_and_times_are_read_or_refused() {
        let plain = Element::default();
        let mib = Element { attributes: vec![("unit".into(), "MiB".into())], ..Element::default() };
        assert_eq!(size("10", &plain), Ok(10));
        assert_eq!(size("2KiB", &plain), Ok(2048));
        assert_eq!(size("2", &mib), Ok(2 << 20));
        for (text, element) in
            [("", &plain), ("-1", &plain), ("1.5MiB", &plain), ("1TB", &plain), ("1KiB", &mib), ("18446744073709551615GiB", &plain)]
        {
            assert!(size(text, element).is_err(), "{text}");
        }
        assert_eq!(position("12.5%", &plain), Ok(At::Permille(125)));
        assert_eq!(position("100%", &plain), Ok(At::Permille(1000)));
        assert_eq!(position("1MiB", &plain), Ok(At::Bytes(1 << 20)));
        for text in ["100.1%", "%", "1.%", ".5%", "1.25%", "+5%", "half"] {
            assert!(position(text, &plain).is_err(), "{text}");
        }
        assert_eq!((duration("250ms", &plain), duration("2s", &plain)), (Ok(250), Ok(2000)));
        for text in ["", "2", "2m", "s", "-1s", "18446744073709551615s"] {
            assert!(duration(text, &plain).is_err(), "{text}");
        }
    }
}
