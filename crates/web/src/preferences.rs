//! The settings in force: read when the page begins, kept and obeyed as soon as they change.

use crate::ui::prelude::*;

use crate::browser;
use crate::history::Limits;
use crate::model::{NotKept, Settings};
use crate::store::Store;

/// A handle on the settings; copies are the same.
#[derive(Clone, Copy)]
pub struct Preferences {
    store: Store,
    /// As they are.
    pub settings: RwSignal<Settings>,
    /// Why they are not what was kept, or will not be.
    pub problem: RwSignal<Option<NotKept>>,
}

impl Preferences {
    /// What was kept, in force from now on.
    #[must_use]
    pub fn start(store: Store) -> Self {
        let (settings, problem) = match browser::kept() {
            Ok(Some(text)) => match Settings::read(&text) {
                Ok(settings) => (settings, None),
                Err(why) => (Settings::default(), Some(why)),
            },
            Ok(None) => {
                let theme = browser::theme();
                let settings = Settings {
                    theme,
                    ..Settings::default()
                };
                (settings, None)
            }
            Err(why) => (Settings::default(), Some(why)),
        };
        let preferences = Self {
            store,
            settings: RwSignal::new(settings),
            problem: RwSignal::new(problem),
        };
        preferences.obey(&settings);
        preferences
    }

    /// Changes something.
    pub fn change(self, change: impl FnOnce(&mut Settings)) {
        self.settings.update(change);
        let settings = self.settings.get_untracked();
        self.problem.set(browser::keep(&settings.text()).err());
        self.obey(&settings);
    }

    /// Away from what is seen now, the other, back to the system's.
    pub fn next_theme(self) {
        let is_dark = browser::is_dark();
        self.change(|settings| settings.theme = settings.theme.next(is_dark));
    }

    fn obey(self, settings: &Settings) {
        browser::dress(settings);
        self.store.set_zone(settings.zone);
        self.store.hide(settings.hidden);
        let limits = Limits {
            bytes: usize::try_from(settings.memory << 20).unwrap_or(usize::MAX),
            ..Limits::default()
        };
        self.store.tune(settings.thresholds, limits);
    }
}
