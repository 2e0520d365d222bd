//! Numbers with a point, as people write them, in whole thousandths. The standard library's floating point reads and
//! prints every digit there is; its tables would be a fiftieth of the page.

/// `12`, `1.5`, `.25`: thousandths; what is behind the third digit is left out.
pub(super) fn thousandths(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) || whole.len() + part.len() == 0 {
        return None;
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let part = (0..3).fold(0, |sum, at| {
        sum * 10
            + part
                .as_bytes()
                .get(at)
                .map_or(0, |digit| u64::from(digit - b'0'))
    });
    whole.checked_mul(1_000)?.checked_add(part)
}

/// With three digits behind the point, for places that only programs read. Numbers beyond nine quadrillion are cut there.
#[must_use]
pub fn fixed(number: f64) -> String {
    let thousandths = (number * 1_000.0).round() as i64;
    let sign = if thousandths < 0 { "-" } else { "" };
    let thousandths = thousandths.unsigned_abs();
    format!("{sign}{}.{:03}", thousandths / 1_000, thousandths % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        for (text, read) in [
            ("12", Some(12_000)),
            ("1.5", Some(1_500)),
            (".25", Some(250)),
            ("8.", Some(8_000)),
            ("0.12345", Some(123)),
            ("", None),
            (".", None),
            ("-1", None),
            ("1e3", None),
            ("1.2.3", None),
            ("18446744073709551615", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(thousandths(text), read, "{text}");
        }
    }

    #[test]
    fn what_programs_read_is_written() {
        for (number, text) in [
            (0.0, "0.000"),
            (1.5, "1.500"),
            (-0.25, "-0.250"),
            (-12.3456, "-12.346"),
            (f64::NAN, "0.000"),
        ] {
            assert_eq!(fixed(number), text);
        }
    }
}
