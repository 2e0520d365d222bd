//! A picture of a moment that a link carries in its key `f`, for whoever comes when the history is gone (dashboard design
//! 2.2). It is hearsay: shown as a text from somebody, never merged into the history.
//!
//! Lines of words: `1 <unix ms>`, `h <change>`, `s <step>`, `S <state>...`, `m <schema> <health> <id> <host> <tick,...>`, `e`.
//! Deflated by the browser, then base64url. All of it is bounded before it is believed.

use super::filter::HEALTHS;
use super::link::{decode, encode};
use super::verdict::host_name;
use super::{Health, MachineKey, Shown, World};

/// What the sender saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The change looked at.
    pub head: Option<Shown>,
    /// Its steps.
    pub steps: Vec<Shown>,
    /// The machine looked at first.
    pub machines: Vec<FrameMachine>,
}

/// A machine in a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameMachine {
    /// Its id.
    pub name: Shown,
    /// Its host.
    pub host: Shown,
    /// What the sender thought of it.
    pub health: Health,
    /// States and their ticks, in index order.
    pub states: Vec<(Shown, u64)>,
}

/// Why a picture is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoFrame {
    /// Longer than any that this page makes.
    TooLong,
    /// It unpacks to more than it may.
    TooMuch,
    /// It is cut off, or was never one.
    Damaged,
}

impl FrameMachine {
    /// Sum of ticks.
    #[must_use]
    pub fn time(&self) -> u64 {
        let ticks = self.states.iter().map(|(_, tick)| *tick);
        ticks.fold(0, u64::saturating_add)
    }
}

impl Frame {
    /// Takes these machines into the picture, as many as fit.
    pub fn take(&mut self, world: &World, keys: impl Iterator<Item = MachineKey>) {
        for key in keys {
            let Some(machine) = world.machine(&key) else {
                continue;
            };
            if self.machines.len() == MACHINES {
                return;
            }
            let states = machine.schema.states.iter().zip(machine.clock.iter());
            self.machines.push(FrameMachine {
                name: machine.shown.clone(),
                host: host_name(machine),
                health: world.assessment(&key).health,
                states: states
                    .take(STATES)
                    .map(|(state, tick)| (state.shown.clone(), *tick))
                    .collect(),
            });
        }
    }

    /// As a text, with so many of its machines.
    #[must_use]
    pub fn text(&self, machines: usize) -> String {
        let mut text = format!("1 {}\n", self.at);
        let mut line = |words: &[&str]| {
            text.push_str(&words.join(" "));
            text.push('\n');
        };
        if let Some(head) = &self.head {
            line(&["h", &encode(head.whole())]);
        }
        for step in self.steps.iter().take(STEPS) {
            line(&["s", &encode(step.whole())]);
        }
        let mut schemas: Vec<Vec<&Shown>> = Vec::new();
        for machine in self.machines.iter().take(machines) {
            let names: Vec<&Shown> = machine.states.iter().map(|(name, _)| name).collect();
            let known = schemas.iter().position(|schema| *schema == names);
            let schema = known.unwrap_or_else(|| {
                let words: Vec<String> = names.iter().map(|name| encode(name.whole())).collect();
                line(&["S", &words.join(" ")]);
                schemas.push(names);
                schemas.len() - 1
            });
            let ticks = machine.states.iter().map(|(_, tick)| tick.to_string());
            line(&[
                "m",
                &schema.to_string(),
                machine.health.mark(),
                &encode(machine.name.whole()),
                &encode(machine.host.whole()),
                &ticks.collect::<Vec<_>>().join(","),
            ]);
        }
        line(&["e"]);
        text
    }

    /// Reads it.
    ///
    /// # Errors
    ///
    /// [`NoFrame::Damaged`].
    pub fn read(bytes: &[u8]) -> Result<Self, NoFrame> {
        let text = std::str::from_utf8(bytes).ok();
        text.and_then(Self::of_text).ok_or(NoFrame::Damaged)
    }

    fn of_text(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let at = lines.next()?.strip_prefix("1 ")?.parse().ok()?;
        let mut frame = Self {
            at,
            ..Self::default()
        };
        let shown = |word: &str| Some(Shown::new(&decode(word)?));
        let mut schemas: Vec<Vec<Shown>> = Vec::new();
        for line in lines {
            if line == "e" {
                return Some(frame);
            }
            match line.split_once(' ')? {
                ("h", word) => frame.head = Some(shown(word)?),
                ("s", word) if frame.steps.len() < STEPS => frame.steps.push(shown(word)?),
                ("S", words) if schemas.len() < MACHINES => {
                    let names = words.split(' ').filter(|word| !word.is_empty());
                    let names: Vec<Shown> = names.map(shown).collect::<Option<_>>()?;
                    schemas.push((names.len() <= STATES).then_some(names)?);
                }
                ("m", words) if frame.machines.len() < MACHINES => {
                    let [schema, health, name, host, ticks] = split(words)?;
                    let names = schemas.get(schema.parse::<usize>().ok()?)?;
                    let ticks = ticks.split(',').filter(|tick| !tick.is_empty());
                    let ticks: Vec<u64> = ticks.map(|it| it.parse().ok()).collect::<Option<_>>()?;
                    if ticks.len() != names.len() {
                        return None;
                    }
                    frame.machines.push(FrameMachine {
                        name: shown(name)?,
                        host: shown(host)?,
                        health: *HEALTHS.iter().find(|it| it.mark() == health)?,
                        states: names.iter().cloned().zip(ticks).collect(),
                    });
                }
                _ => return None,
            }
        }
        None
    }
}

fn split(words: &str) -> Option<[&str; 5]> {
    let words: Vec<&str> = words.split(' ').collect();
    words.try_into().ok()
}

/// Bytes as they stand in an address.
#[must_use]
pub fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for part in bytes.chunks(3) {
        let byte = |at: usize| u32::from(part.get(at).copied().unwrap_or_default());
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..=part.len() {
            text.push(char::from(DIGITS[(word >> (18 - 6 * at)) as usize & 63]));
        }
    }
    text
}

/// The other way.
///
/// # Errors
///
/// [`NoFrame::TooLong`], [`NoFrame::Damaged`].
pub fn of_base64(text: &str) -> Result<Vec<u8>, NoFrame> {
    if text.len() > FRAME_LENGTH {
        return Err(NoFrame::TooLong);
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for part in text.as_bytes().chunks(4) {
        let mut word = 0;
        for digit in part {
            let digit = DIGITS.iter().position(|it| it == digit);
            word = word << 6 | digit.ok_or(NoFrame::Damaged)?;
        }
        word <<= 6 * (4 - part.len());
        let whole = [word >> 16, word >> 8, word].map(|byte| byte as u8);
        bytes.extend(&whole[..part.len() * 6 / 8]);
    }
    Ok(bytes)
}

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Machines in a picture (dashboard design 2.2).
pub const MACHINES: usize = 64;
/// Characters of a picture in a link (dashboard design 2.2).
pub const FRAME_LENGTH: usize = 4_096;
/// Bytes that a picture unpacks to at most (guess: 64 machines of 64 states, several times).
pub const FRAME_BYTES: usize = 1 << 16;
/// States of one machine.
const STATES: usize = 512;
/// Steps of the change.
const STEPS: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::fixture::learned_of;
    use super::super::{Input, Seen};
    use super::*;

    fn frame(count: u8) -> Frame {
        let mut world = World::new("relay".into(), false, Seen(0));
        for owner in 0..count {
            let id = format!("m {owner}\n\u{202e}");
            let learned = learned_of(owner, 0, &id, &[1, u64::MAX, 7, 0]);
            world.apply(Input::Learned(learned), Seen(0));
        }
        world.settle(Seen(0));
        let mut frame = Frame {
            at: 1_780_000_000_123,
            head: Some(Shown::new("#862 add RouteLost, executed")),
            steps: vec![Shown::new("set A B"), Shown::new("")],
            machines: Vec::new(),
        };
        let keys: Vec<MachineKey> = world.machines().map(|machine| machine.key).collect();
        frame.take(&world, keys.into_iter());
        frame
    }

    #[test]
    fn a_picture_comes_back() {
        let whole = frame(90);
        assert_eq!(whole.machines.len(), MACHINES);
        assert_eq!(Frame::read(whole.text(MACHINES).as_bytes()), Ok(whole));
        let few = Frame::read(frame(3).text(2).as_bytes()).unwrap();
        assert_eq!(few.machines.len(), 2);
        assert_eq!(few.machines[0].states[1].1, u64::MAX);
        assert_eq!(few.machines[0].time(), u64::MAX, "nothing overflows");
        assert_eq!(Frame::read(b"1 7\ne\n").map(|frame| frame.at), Ok(7));
    }

    #[test]
    fn what_is_none_is_refused() {
        let line = "m 0 ok a b 1\n";
        let long = format!("1 7\nS x\n{}e\n", line.repeat(MACHINES + 1));
        let states = format!("1 7\nS {}\ne\n", "x ".repeat(STATES + 1));
        for text in [
            "",
            "1",
            "2 7\ne",
            "1 x\ne",
            "1 7\n",
            "1 7\nS x\nm 0 ok a b 1\n",
            "1 7\nm 0 ok a b 1\ne",
            "1 7\nS x\nm 1 ok a b 1\ne",
            "1 7\nS x\nm 0 fine a b 1\ne",
            "1 7\nS x\nm 0 ok a b 1,2\ne",
            "1 7\nS x\nm 0 ok a b -1\ne",
            "1 7\nS x\nm 0 ok a b 1 2\ne",
            "1 7\nS x\nm 0 ok %ff b 1\ne",
            "1 7\nz x\ne",
            "1 7\nh\ne",
            &long,
            &states,
        ] {
            assert_eq!(
                Frame::read(text.as_bytes()),
                Err(NoFrame::Damaged),
                "{text}"
            );
        }
        assert_eq!(Frame::read(&[0xff, 0xfe]), Err(NoFrame::Damaged));
    }

    #[test]
    fn long_names_are_cut() {
        let text = format!("1 7\nS {0}\nm 0 ok {0} {0} 1\ne\n", "x".repeat(10_000));
        let frame = Frame::read(text.as_bytes()).unwrap();
        let machine = &frame.machines[0];
        assert_eq!(machine.name.short.chars().count(), 64);
        assert!(machine.states[0].0.whole().len() <= 2_048);
    }

    #[test]
    fn bytes_in_an_address() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (&[0xff, 0xff, 0xfe], "___-"),
        ] {
            assert_eq!(to_base64(bytes), text);
            assert_eq!(of_base64(&to_base64(bytes)).as_deref(), Ok(bytes));
        }
        assert_eq!(of_base64("a+/="), Err(NoFrame::Damaged));
        assert_eq!(of_base64("ü"), Err(NoFrame::Damaged));
        let long = "A".repeat(FRAME_LENGTH + 1);
        assert_eq!(of_base64(&long), Err(NoFrame::TooLong));
    }
}
