//! Watch rules as the reader keeps them: in this browser, beside the settings, with a version of their own.

use crate::ui::prelude::*;

use crate::browser;
use crate::model::{
    MAX_RULES, MachineScreen, Route, WatchRule, read_rules, watched_filter, watched_state,
    write_rules,
};
use crate::preferences::Preferences;
use crate::router::Router;
use crate::sharing::Sharing;
use crate::store::Store;
use crate::words::watch as words;

/// Copies are the same.
#[derive(Clone, Copy)]
pub struct Watching {
    store: Store,
    /// As they were written.
    pub rules: RwSignal<Vec<String>>,
    /// Why they are not what was kept, or will not be.
    pub problem: RwSignal<Option<&'static str>>,
}

impl Watching {
    /// What was kept, in force from now on.
    #[must_use]
    pub fn start(store: Store) -> Self {
        let kept = read_rules(&browser::kept_rules());
        let problem = kept.is_none().then_some(words::OTHER_VERSION);
        let watching = Self {
            store,
            rules: RwSignal::new(kept.unwrap_or_default()),
            problem: RwSignal::new(problem),
        };
        watching.obey();
        watching
    }

    /// Tells as the settings say, as long as the page lives.
    pub fn attend(self, preferences: Preferences) {
        Effect::new(move |_| {
            let tells = preferences
                .settings
                .with(|settings| (settings.has_badge, settings.notifies));
            self.store.tell(tells.0, tells.1);
        });
    }

    /// One more.
    ///
    /// # Errors
    ///
    /// Why not, as a sentence.
    pub fn add(self, rule: &str) -> Result<(), String> {
        let rule = check(rule)?;
        let known = self.rules.with_untracked(|rules| {
            if rules.contains(&rule) {
                Some(words::KNOWN)
            } else {
                (rules.len() >= MAX_RULES).then_some(words::TOO_MANY)
            }
        });
        if let Some(problem) = known {
            return Err(problem.to_owned());
        }
        self.rules.update(|rules| rules.push(rule));
        self.keep();
        Ok(())
    }

    /// Another in the place of one.
    ///
    /// # Errors
    ///
    /// Why not, as a sentence; the one before stays.
    pub fn change(self, at: usize, rule: &str) -> Result<(), String> {
        let rule = check(rule)?;
        self.rules.update(|rules| {
            if let Some(old) = rules.get_mut(at) {
                *old = rule;
            }
        });
        self.keep();
        Ok(())
    }

    /// One less.
    pub fn delete(self, at: usize) {
        self.rules.update(|rules| {
            if at < rules.len() {
                rules.remove(at);
            }
        });
        self.keep();
    }

    /// Watches the selected state, else the filter.
    pub fn press(self, router: Router, sharing: Sharing) {
        let rule = match router.route.get_untracked() {
            Route::Machines => self.rule_of_state(),
            Route::Overview if self.store.fleet.error.with_untracked(Option::is_some) => {
                Err(words::WRONG_FILTER)
            }
            Route::Overview => {
                let text = self.store.fleet.text.get_untracked();
                watched_filter(&text).ok_or(words::NOTHING)
            }
            _ => Err(words::NOTHING),
        };
        match rule {
            Err(problem) => sharing.refuse(problem),
            Ok(rule) => match self.add(&rule) {
                Err(problem) => sharing.refuse(&problem),
                Ok(()) => match self.problem.get_untracked() {
                    Some(problem) => sharing.refuse(problem),
                    None => sharing.say(&words::added(&rule)),
                },
            },
        }
    }

    fn rule_of_state(self) -> Result<String, &'static str> {
        let selected = self.store.state.get_untracked().ok_or(words::NOTHING)?;
        self.store.screen.with_untracked(|screen| {
            let MachineScreen::Machine(view) = screen else {
                return Err(words::NOTHING);
            };
            let state = view.states.iter().find(|state| state.name == selected);
            let state = state.ok_or(words::NOTHING)?;
            let machine = view.head.name.whole();
            watched_state(machine, &state.name, state.active, state.error).ok_or(words::UNSPEAKABLE)
        })
    }

    fn keep(self) {
        let text = self.rules.with_untracked(|rules| write_rules(rules));
        let kept = browser::keep_rules(&text);
        self.problem.set((!kept).then_some(words::NOT_KEPT));
        self.obey();
    }

    fn obey(self) {
        let rules = self.rules.with_untracked(|rules| {
            let rules = rules.iter();
            // What another version of the page wrote may not be readable; it stays in the list to be mended.
            rules
                .filter_map(|rule| WatchRule::parse(rule, browser::pattern).ok())
                .collect()
        });
        self.store.watch(rules);
    }
}

fn check(rule: &str) -> Result<String, String> {
    let rule = WatchRule::parse(rule, browser::pattern)?;
    Ok(rule.text.split_whitespace().collect::<Vec<_>>().join(" "))
}
