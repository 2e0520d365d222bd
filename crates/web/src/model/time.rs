//! Time as this page sees it: instants of the tab's own clock, intervals between two words of an owner, and their texts.
//!
//! A remote change has no instant, only an [`Interval`]: it happened after one word of its owner and not after the next.

/// Milliseconds on the tab's monotonic clock since the page started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seen(pub u64);

impl Seen {
    /// Milliseconds since `earlier`, zero when that is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// When something happened, as far as we saw: after `after` and not after `by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The word before; `None` when there was none: it may have happened at any time before `by`.
    pub after: Option<Seen>,
    /// The word that showed it.
    pub by: Seen,
}

impl Interval {
    /// Something seen as it happened.
    #[must_use]
    pub fn at(instant: Seen) -> Self {
        Self {
            after: Some(instant),
            by: instant,
        }
    }

    /// How long ago that was.
    #[must_use]
    pub fn age(self, now: Seen) -> Age {
        let least = now.since(self.by);
        match self.after {
            Some(after) => Age::Between(least, now.since(after)),
            None => Age::AtLeast(least),
        }
    }

    /// True when this certainly happened before `other`.
    #[must_use]
    pub fn is_before(self, other: Self) -> bool {
        other.after.is_some_and(|after| self.by <= after)
    }
}

/// An honest age in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// From the first to the second.
    Between(u64, u64),
    /// At least so much: it was so before we first looked.
    AtLeast(u64),
}

impl Age {
    /// `0.4 s`, `2-7 s`, `> 12 s`.
    #[must_use]
    pub fn text(self) -> String {
        match self {
            Self::AtLeast(least) => format!("> {}", age_text(least)),
            Self::Between(least, most) => range_text(least, most),
        }
    }
}

/// `0.4 s`, `38.2 s`, `96 s`, `12 min`, `2 h 14 m`, `3 d 4 h`.
#[must_use]
pub fn age_text(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60..120 => format!("{seconds} s"),
        120..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h {} m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

fn range_text(least: u64, most: u64) -> String {
    let (low, high) = (age_text(least), age_text(most));
    if low == high || most - least < TELLING_RANGE {
        return low;
    }
    match (least / 1000, most / 1000) {
        (_, 0..10) if most - least < 1000 => {
            format!("{}-{high}", low.trim_end_matches(" s"))
        }
        (low, high @ 0..120) => {
            let high = if most.is_multiple_of(1000) {
                high
            } else {
                high + 1
            };
            format!("{low}-{high} s")
        }
        (low @ 120.., high @ 0..3600) => format!("{}-{} min", low / 60, high.div_ceil(60)),
        _ => format!("{low}-{high}"),
    }
}

/// Narrower ranges are shown as one number: the figure shown has no finer digit.
const TELLING_RANGE: u64 = 100;

/// Digits in groups of three, parted by a narrow space: `48 211`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// Turns instants of the page into local wall time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WallClock {
    /// Local wall time when the page started, in milliseconds since any midnight.
    pub start: u64,
}

impl WallClock {
    /// `14:32:08.611`, cut to `digits` (at most 3) digits of a second; without the point when 0.
    #[must_use]
    pub fn text(self, at: Seen, digits: usize) -> String {
        let ms = self.start.saturating_add(at.0) % DAY;
        let fraction = format!("{:03}", ms % 1000);
        let seconds = ms / 1000;
        let whole = format!(
            "{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
        match digits {
            0 => whole,
            digits => format!("{whole}.{}", &fraction[..digits.min(3)]),
        }
    }
}

impl WallClock {
    /// `between 14:32:05.1 and 14:32:10.1`, with as many digits as tell the two apart. Only what was seen as it
    /// happened is `at` an instant.
    #[must_use]
    pub fn interval(self, interval: Interval) -> String {
        let Some(after) = interval.after else {
            return format!("before {}", self.text(interval.by, 1));
        };
        if after == interval.by {
            return format!("at {}", self.text(after, 3));
        }
        let digits = (1..3)
            .find(|&digits| self.text(after, digits) != self.text(interval.by, digits))
            .unwrap_or(3);
        format!(
            "between {} and {}",
            self.text(after, digits),
            self.text(interval.by, digits)
        )
    }
}

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_read_as_the_design_says() {
        for (ms, text) in [
            (0, "0.0 s"),
            (449, "0.4 s"),
            (38_200, "38.2 s"),
            (96_400, "96 s"),
            (12 * 60_000, "12 min"),
            (2 * 3_600_000 + 14 * 60_000, "2 h 14 m"),
            (76 * 3_600_000, "3 d 4 h"),
        ] {
            assert_eq!(age_text(ms), text);
        }
    }

    #[test]
    fn ranges_never_claim_more_than_was_seen() {
        for (least, most, text) in [
            (100, 150, "0.1 s"),
            (100, 600, "0.1-0.6 s"),
            (2_100, 6_900, "2-7 s"),
            (42_000, 47_000, "42-47 s"),
            (125_000, 130_000, "2 min"),
            (125_000, 250_000, "2-5 min"),
            (59_000, 7_300_000, "59.0 s-2 h 1 m"),
        ] {
            assert_eq!(Age::Between(least, most).text(), text, "{least} {most}");
        }
        assert_eq!(Age::AtLeast(12_000).text(), "> 12.0 s");
    }

    #[test]
    fn intervals_that_overlap_have_no_order() {
        let interval = |after, by| Interval {
            after: Some(Seen(after)),
            by: Seen(by),
        };
        assert!(interval(0, 5).is_before(interval(5, 9)));
        assert!(!interval(0, 6).is_before(interval(5, 9)));
        let unbounded = Interval {
            after: None,
            by: Seen(100),
        };
        assert!(!interval(0, 5).is_before(unbounded));
    }

    #[test]
    fn wall_clock_wraps_at_midnight_and_groups_digits() {
        let wall = WallClock { start: DAY - 1000 };
        assert_eq!(wall.text(Seen(500), 3), "23:59:59.500");
        assert_eq!(wall.text(Seen(1234), 1), "00:00:00.2");
        assert_eq!(wall.text(Seen(1234), 0), "00:00:00");
        let between = |after, by| {
            wall.interval(Interval {
                after: Some(Seen(after)),
                by: Seen(by),
            })
        };
        assert_eq!(between(1_000, 6_000), "between 00:00:00.0 and 00:00:05.0");
        assert_eq!(between(1_412, 1_488), "between 00:00:00.41 and 00:00:00.48");
        assert_eq!(
            between(1_412, 1_413),
            "between 00:00:00.412 and 00:00:00.413"
        );
        assert_eq!(between(1_412, 1_412), "at 00:00:00.412");
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(48_211), "48\u{202f}211");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
    }
}
