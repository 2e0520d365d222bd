//! Links to a moment: `#v=1&id=<machine>@<short peer>&e=&n=&c=&o=&a=&w=&st=&f=` behind the page's address, and the addresses
//! of am-dbg, `mach://<machine>/<transition>/<step>?t=&q=&ht=&group=&state=` (dashboard design 2.1).
//!
//! Whatever a link does not say, or says in another way than this page writes it, is left out: nothing in it is trusted
//! to be there or to be a number.

use super::link::{MachineRef, decode, encode};

/// A moment as a link names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MomentLink {
    /// `id`: whose moment; `None`: the mesh's.
    pub machine: Option<MachineRef>,
    /// `e`: the run, by the index its owner gave it.
    pub run: Option<u64>,
    /// `n`: the owner's number of the transition.
    pub number: Option<u64>,
    /// `s`: step in it, from 1.
    pub step: Option<u64>,
    /// `c`: sum of ticks after it.
    pub machine_time: Option<u64>,
    /// `q`: queue tick.
    pub queue_tick: Option<u64>,
    /// `o`: the owner's time, in microseconds since 1970.
    pub owner_at: Option<u64>,
    /// `a`: when the sender saw it, in microseconds since 1970.
    pub seen_at: Option<u64>,
    /// `w`: width of the axis in milliseconds; `Some(None)`: everything.
    pub window: Option<Option<u64>>,
    /// `st`: the selected state.
    pub state: Option<String>,
    /// `cmp`: the moment it is compared with, with the same keys, parted by `.`.
    pub compared: Option<Box<MomentLink>>,
    /// `f`: a picture of the moment, as it stands in the link.
    pub frame: Option<String>,
}

impl MomentLink {
    /// Reads what was pasted or stands in the address bar: a whole address, its fragment, or one of am-dbg's.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > LONGEST {
            return None;
        }
        let text = text.strip_prefix('#').unwrap_or(text);
        if let Some(rest) = text.strip_prefix(MACH) {
            return Self::of_mach(rest);
        }
        let fragment = match text.split_once('#') {
            Some((_, fragment)) => fragment,
            None => text,
        };
        if let Some(rest) = fragment.strip_prefix(MACH) {
            return Self::of_mach(rest);
        }
        let link = Self::of_fragment(fragment);
        let is_link = link.machine.is_some() || link.is_moment() || link.compared.is_some();
        is_link.then_some(link)
    }

    /// Does it name a moment, and not only a machine?
    #[must_use]
    pub fn is_moment(&self) -> bool {
        let numbers = [
            self.number,
            self.machine_time,
            self.owner_at,
            self.seen_at,
            self.queue_tick,
        ];
        numbers.iter().any(Option::is_some)
    }

    /// The same machine as it is now.
    #[must_use]
    pub fn live(self) -> Self {
        Self {
            machine: self.machine,
            state: self.state,
            window: self.window,
            ..Self::default()
        }
    }

    /// The fragment that names it, `#` included.
    #[must_use]
    pub fn fragment(&self) -> String {
        let mut out = String::from("#v=1");
        let mut add = |key: &str, value: &str| {
            out.push('&');
            out.push_str(key);
            out.push('=');
            out.push_str(value);
        };
        if let Some(machine) = &self.machine {
            add("id", &machine.text());
        }
        let numbers = [
            ("e", self.run),
            ("n", self.number),
            ("s", self.step),
            ("c", self.machine_time),
            ("q", self.queue_tick),
            ("o", self.owner_at),
            ("a", self.seen_at),
        ];
        for (key, number) in numbers {
            if let Some(number) = number {
                add(key, &number.to_string());
            }
        }
        match self.window {
            Some(Some(ms)) => add("w", &format!("{}s", ms / 1_000)),
            Some(None) => add("w", "all"),
            None => {}
        }
        if let Some(state) = &self.state {
            add("st", &encode(state));
        }
        if let Some(other) = &self.compared {
            let other = other.fragment().replace('.', "%2E");
            let other = other.split('&').skip(1).collect::<Vec<_>>();
            add("cmp", &other.join("."));
        }
        if let Some(frame) = &self.frame {
            add("f", frame);
        }
        out
    }

    /// The page's address of it: a machine's on the Machine page, the mesh's on the Overview, two on the Compare page.
    #[must_use]
    pub fn href(&self) -> String {
        let path = match (&self.compared, &self.machine) {
            (Some(_), _) => "/compare",
            (None, Some(_)) => "/m",
            (None, None) => "/",
        };
        format!("{path}{}", self.fragment())
    }

    fn of_fragment(fragment: &str) -> Self {
        let mut link = Self {
            machine: MachineRef::parse(fragment),
            ..Self::default()
        };
        for (key, value) in pairs(fragment) {
            let number = || number(value);
            match key {
                "e" => link.run = number(),
                "n" => link.number = number(),
                "s" => link.step = number(),
                "c" => link.machine_time = number(),
                "q" => link.queue_tick = number(),
                "o" => link.owner_at = number(),
                // An estimate of the sender's offset may follow.
                "a" => {
                    let digits = value.find(|c: char| !c.is_ascii_digit());
                    link.seen_at = self::number(&value[..digits.unwrap_or(value.len())]);
                }
                "w" if value == "all" => link.window = Some(None),
                "w" => {
                    let seconds = value.strip_suffix('s').and_then(self::number);
                    link.window = seconds.and_then(|it| Some(Some(it.checked_mul(1_000)?)));
                }
                "st" => link.state = decode(value).filter(|state| !state.is_empty()),
                "cmp" => {
                    let other = Self::of_fragment(&value.replace('.', "&"));
                    let is_named = other.machine.is_some() || other.is_moment();
                    link.compared = is_named.then(|| Box::new(other));
                }
                "f" if value.bytes().all(is_base64) => link.frame = Some(value.to_owned()),
                _ => {}
            }
        }
        link
    }

    /// What follows `mach://`.
    fn of_mach(rest: &str) -> Option<Self> {
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut parts = path.split('/');
        let id = decode(parts.next()?).filter(|id| !id.is_empty())?;
        let mut link = Self {
            machine: Some(MachineRef {
                id,
                owner: String::new(),
            }),
            // Transitions have names there; only ours are numbers.
            number: parts.next().and_then(number),
            step: parts.next().and_then(number),
            ..Self::default()
        };
        for (key, value) in pairs(query) {
            match key {
                "t" => link.machine_time = number(value),
                "q" => link.queue_tick = number(value),
                "ht" => link.owner_at = decode(value).as_deref().and_then(human_time),
                "state" => link.state = decode(value).filter(|state| !state.is_empty()),
                _ => {}
            }
        }
        Some(link)
    }
}

fn pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('&').filter_map(|pair| pair.split_once('='))
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// A time as people and programs write it, in microseconds since 1970: RFC 3339, or a count whose length says of what.
fn human_time(text: &str) -> Option<u64> {
    if let Some(count) = number(text) {
        return match text.len() {
            0..=11 => count.checked_mul(1_000_000),
            12..=14 => count.checked_mul(1_000),
            15..=17 => Some(count),
            _ => Some(count / 1_000),
        };
    }
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-').map(number);
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let is_date =
        (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let (clock, zone) = time.split_at(time.find(['Z', 'z', '+', '-'])?);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let mut clock = clock.splitn(3, ':').map(number);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !is_date || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Days since 1970, with years that begin in March.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leaps = year / 4 - year / 100 + year / 400;
    let days = (365 * year + leaps + (153 * month + 2) / 5 + day - 1).checked_sub(719_468)?;
    let seconds = days * 86_400 + hour * 3_600 + minute * 60 + second;
    let micros = format!("{fraction:0<6.6}").parse::<u64>().ok()?;
    let ahead = match zone.split_at(1) {
        ("Z" | "z", "") => 0,
        (sign, offset) => {
            let (hours, minutes) = offset.split_once(':')?;
            let ahead = (number(hours)? * 60 + number(minutes)?) * 60;
            i64::try_from(ahead).ok()? * if sign == "-" { -1 } else { 1 }
        }
    };
    let seconds = seconds.checked_add_signed(-ahead)?;
    seconds.checked_mul(1_000_000)?.checked_add(micros)
}

/// What am-dbg's addresses begin with.
const MACH: &str = "mach://";
/// Bytes of a link that is read; longer ones are none of ours.
const LONGEST: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> MomentLink {
        MomentLink {
            machine: Some(MachineRef {
                id: "a@b&c=d#e%f".to_owned(),
                owner: "7sK2mT4u".to_owned(),
            }),
            run: Some(3),
            number: Some(862),
            step: Some(10),
            machine_time: Some(1_204),
            queue_tick: None,
            owner_at: Some(1_780_000_000_000_000),
            seen_at: Some(1_780_000_000_015_000),
            window: Some(Some(60_000)),
            state: Some("Err \u{202e}x".to_owned()),
            compared: None,
            frame: Some("AZaz09-_".to_owned()),
        }
    }

    #[test]
    fn links_come_back_whole() {
        let all = MomentLink {
            window: Some(None),
            ..full()
        };
        let mesh = MomentLink {
            seen_at: Some(7),
            ..MomentLink::default()
        };
        let two = MomentLink {
            compared: Some(Box::new(MomentLink {
                machine: Some(MachineRef {
                    id: "a.b&c.d=e".to_owned(),
                    owner: "7sK2mT4u".to_owned(),
                }),
                ..full()
            })),
            ..full()
        };
        let only_other = MomentLink {
            compared: Some(Box::new(full())),
            ..MomentLink::default()
        };
        assert!(two.href().starts_with("/compare#v=1&id="));
        for link in [full(), all, mesh, full().live(), two, only_other] {
            assert_eq!(MomentLink::of_text(&link.href()), Some(link.clone()));
            assert_eq!(MomentLink::of_text(&link.fragment()), Some(link.clone()));
            let address = format!(" https://relay.example{}\n", link.href());
            assert_eq!(MomentLink::of_text(&address), Some(link));
        }
        assert!(full().fragment().starts_with("#v=1&id=a%40b%26"));
        assert!(!full().live().is_moment());
    }

    #[test]
    fn what_is_no_link_names_nothing() {
        for text in [
            "",
            "#",
            "courier-17",
            "#v=1",
            "#v=1&c=",
            "#id=",
            "mach://",
            "mach://%zz/3",
            "https://relay/",
            "#c=-1",
            "#c=+1",
            "#c=18446744073709551616",
            "#a=±3",
            "javascript:alert(1)",
        ] {
            assert_eq!(MomentLink::of_text(text), None, "{text}");
        }
        let long = format!("#id=m&c=1&x={}", "y".repeat(LONGEST));
        assert_eq!(MomentLink::of_text(&long), None);
    }

    #[test]
    fn unknown_keys_and_odd_values_are_passed_by() {
        let link = MomentLink::of_text("#v=9&zzz&id=m@x&n=1e3&c=12&w=40tx&f=A+A&st=%ff&a=9±4&c2=1");
        let link = link.unwrap();
        assert_eq!((link.number, link.machine_time), (None, Some(12)));
        assert_eq!(
            (link.window, link.state, link.seen_at),
            (None, None, Some(9))
        );
    }

    #[test]
    fn addresses_of_am_dbg() {
        for (text, number, step, time, state) in [
            ("mach://courier-17", None, None, None, None),
            ("mach://courier-17/862", Some(862), None, None, None),
            ("mach://courier-17/862/4", Some(862), Some(4), None, None),
            (
                "mach://courier-17/tx9f/4?t=1204&q=7&group=g&state=AtStop",
                None,
                Some(4),
                Some(1_204),
                Some("AtStop"),
            ),
            (
                "http://relay/m#mach://courier-17/tx?t=5",
                None,
                None,
                Some(5),
                None,
            ),
        ] {
            let link = MomentLink::of_text(text).unwrap();
            let machine = link.machine.unwrap();
            assert_eq!((machine.id.as_str(), &*machine.owner), ("courier-17", ""));
            let found = (link.number, link.step, link.machine_time);
            assert_eq!(found, (number, step, time), "{text}");
            assert_eq!(link.state.as_deref(), state, "{text}");
        }
    }

    #[test]
    fn times_of_people() {
        let at = 1_780_000_000_000_000;
        for (text, micros) in [
            ("1780000000", Some(at)),
            ("1780000000000", Some(at)),
            ("1780000000000000", Some(at)),
            ("1780000000000000000", Some(at)),
            ("2026-05-28T20:26:40Z", Some(at)),
            ("2026-05-28T20:26:40.25Z", Some(at + 250_000)),
            ("2026-05-28T22:26:40.1234567+02:00", Some(at + 123_456)),
            ("2026-05-28T14:56:40-05:30", Some(at)),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2024-02-29T00:00:00Z", Some(1_709_164_800_000_000)),
            ("1970-01-01T00:00:00+01:00", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-05-28", None),
            ("2026-05-28T20:26:40", None),
            ("yesterday", None),
        ] {
            assert_eq!(human_time(text), micros, "{text}");
        }
    }
}
