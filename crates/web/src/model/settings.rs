//! What the reader prefers, and how it is kept: one line of text, `v1` first, then `key=value` for what is not as it is by
//! default. The theme is read by start.js, too.

use super::{Thresholds, TxFilters};

/// What the reader prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Colours.
    pub theme: Theme,
    /// Height of rows.
    pub density: Density,
    /// Whose time is shown.
    pub zone: Zone,
    /// Single letters are commands.
    pub has_keys: bool,
    /// What moves.
    pub motion: Motion,
    /// When a machine counts as what.
    pub thresholds: Thresholds,
    /// Megabytes of history held.
    pub memory: u64,
    /// What the Machine view leaves out.
    pub hidden: TxFilters,
    /// How the log looks.
    pub log: LogLook,
    /// The title counts what needs attention.
    pub has_badge: bool,
    /// The system tells what watch rules find.
    pub notifies: bool,
    /// Windows share one cursor.
    pub follows: bool,
}

/// How the log of a machine looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLook {
    /// The most detailed level shown, up to [`LogLook::MOST`]; 0: nothing.
    pub level: u8,
    /// With the time of each line.
    pub times: bool,
    /// Long lines go on in the next.
    pub wrap: bool,
}

impl Default for LogLook {
    fn default() -> Self {
        Self {
            level: 3,
            times: true,
            wrap: false,
        }
    }
}

impl LogLook {
    /// Everything.
    pub const MOST: u8 = 5;
}

/// Colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Height of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Density {
    /// 19 pixels.
    #[default]
    Dense,
    /// 24 pixels.
    Roomy,
}

/// Whose time is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Zone {
    /// This device's.
    #[default]
    Local,
    /// Universal time.
    Utc,
}

/// What moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Motion {
    /// What the system allows.
    #[default]
    System,
    /// Nothing.
    Reduced,
}

/// Why settings are not what was kept, or will not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotKept {
    /// They were written by another version of the page.
    Version,
    /// They could not be read.
    Damaged,
    /// The browser keeps nothing for this page.
    NoStorage,
    /// It has no room.
    NoRoom,
}

/// One of the numbers that can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`Thresholds::stale`].
    Stale,
    /// [`Thresholds::not_ready`].
    NotReady,
    /// [`Thresholds::starting`].
    Starting,
    /// [`Thresholds::quiet`].
    Quiet,
    /// [`Thresholds::quiet_changes`].
    QuietChanges,
    /// [`Thresholds::recovered`].
    Recovered,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            density: Density::Dense,
            zone: Zone::Local,
            has_keys: true,
            motion: Motion::System,
            thresholds: Thresholds::default(),
            memory: 300,
            hidden: TxFilters::default(),
            log: LogLook::default(),
            has_badge: false,
            notifies: false,
            follows: false,
        }
    }
}

impl Theme {
    /// In the order of the list.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// For people and for what is kept.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The next choice: away from what is seen now, the other, back to the system's.
    #[must_use]
    pub fn next(self, system_is_dark: bool) -> Self {
        match (self, system_is_dark) {
            (Self::System, true) | (Self::Dark, false) => Self::Light,
            (Self::System, false) | (Self::Light, true) => Self::Dark,
            (Self::Light, false) | (Self::Dark, true) => Self::System,
        }
    }
}

impl Limit {
    /// In the order of the page.
    pub const ALL: [Self; 6] = [
        Self::NotReady,
        Self::Starting,
        Self::Quiet,
        Self::QuietChanges,
        Self::Stale,
        Self::Recovered,
    ];

    /// What it is kept as.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::NotReady => "notready",
            Self::Starting => "starting",
            Self::Quiet => "quiet",
            Self::QuietChanges => "changes",
            Self::Recovered => "recovered",
        }
    }

    /// Least and most: seconds, or changes.
    #[must_use]
    pub fn range(self) -> (u64, u64) {
        match self {
            // Shorter silences are not recorded.
            Self::Stale => (3, 600),
            Self::NotReady | Self::Starting | Self::Quiet | Self::Recovered => (1, 3_600),
            Self::QuietChanges => (2, 10_000),
        }
    }

    /// Its value: seconds, or changes.
    #[must_use]
    pub fn of(self, thresholds: &Thresholds) -> u64 {
        let mut copy = *thresholds;
        let (value, unit) = self.slot(&mut copy);
        *value / unit
    }

    /// The same with another value; `None`: that is out of range.
    #[must_use]
    pub fn with(self, thresholds: &Thresholds, to: u64) -> Option<Thresholds> {
        let (least, most) = self.range();
        let mut changed = *thresholds;
        let (value, unit) = self.slot(&mut changed);
        *value = to * unit;
        (least..=most).contains(&to).then_some(changed)
    }

    fn slot(self, of: &mut Thresholds) -> (&mut u64, u64) {
        match self {
            Self::Stale => (&mut of.stale, 1_000),
            Self::NotReady => (&mut of.not_ready, 1_000),
            Self::Starting => (&mut of.starting, 1_000),
            Self::Quiet => (&mut of.quiet, 1_000),
            Self::QuietChanges => (&mut of.quiet_changes, 1),
            Self::Recovered => (&mut of.recovered, 1_000),
        }
    }
}

impl Settings {
    /// Megabytes to choose from.
    pub const MEMORY: [u64; 5] = [50, 100, 300, 600, 1_000];

    /// Reads what was kept.
    ///
    /// # Errors
    ///
    /// [`NotKept::Version`], [`NotKept::Damaged`].
    pub fn read(text: &str) -> Result<Self, NotKept> {
        let mut words = text.split(' ');
        match words.next() {
            Some(VERSION) => {}
            Some(other) if is_version(other) => return Err(NotKept::Version),
            Some(_) | None => return Err(NotKept::Damaged),
        }
        let mut settings = Self::default();
        for word in words {
            let (key, value) = word.split_once('=').ok_or(NotKept::Damaged)?;
            settings.set(key, value).ok_or(NotKept::Damaged)?;
        }
        Ok(settings)
    }

    /// What is to be kept.
    #[must_use]
    pub fn text(&self) -> String {
        let usual = Self::default();
        let mut text = VERSION.to_owned();
        let mut say = |is: bool, key: &str, value: &str| {
            if is {
                for part in [" ", key, "=", value] {
                    text.push_str(part);
                }
            }
        };
        say(self.theme != usual.theme, "theme", self.theme.word());
        say(self.density != usual.density, "density", "roomy");
        say(self.zone != usual.zone, "zone", "utc");
        say(!self.has_keys, "keys", "off");
        say(self.motion != usual.motion, "motion", "reduced");
        say(self.has_badge, "badge", "on");
        say(self.notifies, "notify", "on");
        say(self.follows, "follow", "on");
        say(
            self.memory != usual.memory,
            "memory",
            &self.memory.to_string(),
        );
        say(self.hidden != usual.hidden, "hide", &self.hidden.text());
        let log = self.log;
        say(log.level != usual.log.level, "log", &log.level.to_string());
        say(!log.times, "times", "off");
        say(log.wrap, "wrap", "on");
        for limit in Limit::ALL {
            let value = limit.of(&self.thresholds);
            let is_usual = value == limit.of(&usual.thresholds);
            say(!is_usual, limit.key(), &value.to_string());
        }
        text
    }

    /// `None`: the key is known, and this is no value of it. Keys that are not known are of a page that is not much newer.
    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        let number = || value.parse::<u64>().ok();
        match (key, value) {
            ("theme", word) => {
                self.theme = Theme::ALL.into_iter().find(|theme| theme.word() == word)?;
            }
            ("density", "roomy") => self.density = Density::Roomy,
            ("zone", "utc") => self.zone = Zone::Utc,
            ("keys", "off") => self.has_keys = false,
            ("motion", "reduced") => self.motion = Motion::Reduced,
            ("badge", "on") => self.has_badge = true,
            ("notify", "on") => self.notifies = true,
            ("follow", "on") => self.follows = true,
            ("memory", _) => {
                self.memory = number().filter(|size| Self::MEMORY.contains(size))?;
            }
            ("hide", names) => self.hidden = TxFilters::read(names),
            ("log", _) => {
                let level = number().filter(|level| *level <= u64::from(LogLook::MOST))?;
                self.log.level = level as u8;
            }
            ("times", "off") => self.log.times = false,
            ("wrap", "on") => self.log.wrap = true,
            (
                "density" | "zone" | "keys" | "motion" | "times" | "wrap" | "badge" | "notify"
                | "follow",
                _,
            ) => return None,
            (key, _) => {
                if let Some(limit) = Limit::ALL.into_iter().find(|limit| limit.key() == key) {
                    self.thresholds = limit.with(&self.thresholds, number()?)?;
                }
            }
        }
        Some(())
    }
}

fn is_version(word: &str) -> bool {
    let number = word.strip_prefix('v').map(str::parse::<u32>);
    matches!(number, Some(Ok(_)))
}

/// Of what is kept.
const VERSION: &str = "v1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let mut changed = Settings {
            theme: Theme::Dark,
            density: Density::Roomy,
            zone: Zone::Utc,
            has_keys: false,
            motion: Motion::Reduced,
            memory: 50,
            hidden: TxFilters::read("auto,own"),
            log: LogLook {
                level: 5,
                times: false,
                wrap: true,
            },
            has_badge: true,
            notifies: true,
            follows: true,
            ..Settings::default()
        };
        for (number, limit) in (4..).zip(Limit::ALL) {
            changed.thresholds = limit.with(&changed.thresholds, number).unwrap();
            assert_eq!(limit.of(&changed.thresholds), number);
        }
        for settings in [Settings::default(), changed] {
            assert_eq!(Settings::read(&settings.text()), Ok(settings));
        }
        assert_eq!(Settings::default().text(), "v1");
        assert_eq!(changed.thresholds.quiet_changes, 7);
        assert_eq!(changed.thresholds.not_ready, 4_000);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (text, why) in [
            ("v0 theme=dark", NotKept::Version),
            ("v2 theme=dark", NotKept::Version),
            ("", NotKept::Damaged),
            ("dark", NotKept::Damaged),
            ("v1 theme", NotKept::Damaged),
            ("v1 theme=blue", NotKept::Damaged),
            ("v1 density=dense2", NotKept::Damaged),
            ("v1 memory=7", NotKept::Damaged),
            ("v1 log=6", NotKept::Damaged),
            ("v1 wrap=off", NotKept::Damaged),
            ("v1 badge=off", NotKept::Damaged),
            ("v1 stale=0", NotKept::Damaged),
            ("v1 stale=2", NotKept::Damaged),
            ("v1 quiet=99999999999999999999", NotKept::Damaged),
            ("{\"theme\":\"dark\"}", NotKept::Damaged),
        ] {
            assert_eq!(Settings::read(text), Err(why), "{text}");
        }
        assert_eq!(Settings::read("v1 later=1"), Ok(Settings::default()));
    }

    #[test]
    fn the_theme_turns_away_from_what_is_seen() {
        for dark in [true, false] {
            let first = Theme::System.next(dark);
            assert_eq!(first == Theme::Light, dark);
            assert_eq!(first.next(dark).next(dark), Theme::System);
        }
    }
}
