//! What leaves the page and what comes back: links, recordings, bookmarks. Says what became of it in one notice.

use leptos::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::browser;
use crate::model::MomentLink;
use crate::router::Router;
use crate::store::Store;
use crate::words;

/// Copies are the same.
#[derive(Clone, Copy)]
pub struct Sharing {
    store: Store,
    router: Router,
    /// What is said now.
    pub notice: RwSignal<Option<Notice>>,
    said: StoredValue<u32>,
}

/// A sentence that stays for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// It.
    pub text: String,
    /// To be copied by hand.
    pub field: Option<String>,
    /// Something did not work.
    pub is_wrong: bool,
}

impl Sharing {
    /// Nothing said yet.
    #[must_use]
    pub fn new(store: Store, router: Router) -> Self {
        Self {
            store,
            router,
            notice: RwSignal::new(None),
            said: StoredValue::new(0),
        }
    }

    /// Copies a link to what is looked at; while that is live, to the live view.
    pub fn copy_link(self) {
        let href = self.link_here();
        spawn_local(async move {
            if browser::copy(&href).await {
                self.say(words::link::COPIED);
            } else {
                self.tell(Notice {
                    text: words::NOT_COPIED.to_owned(),
                    field: Some(href),
                    is_wrong: true,
                });
            }
        });
    }

    /// Goes where a pasted text leads, if it does.
    pub fn paste(self, text: &str) {
        let Some(link) = MomentLink::of_text(text) else {
            return;
        };
        // The same address again is asked for, too.
        let href = format!("{}{}", browser::origin(), link.href());
        self.router.go(&href);
    }

    /// Says something for a while.
    pub fn say(self, text: &str) {
        self.tell(Notice {
            text: text.to_owned(),
            field: None,
            is_wrong: false,
        });
    }

    /// Says that something did not work.
    pub fn refuse(self, text: &str) {
        self.tell(Notice {
            text: text.to_owned(),
            field: None,
            is_wrong: true,
        });
    }

    /// Says nothing any more.
    pub fn hush(self) {
        self.notice.set(None);
    }

    fn tell(self, notice: Notice) {
        let goes = !notice.is_wrong;
        self.notice.set(Some(notice));
        self.said.update_value(|said| *said += 1);
        let number = self.said.get_value();
        if goes {
            let hush = move || {
                if self.said.get_value() == number {
                    self.hush();
                }
            };
            set_timeout(hush, SAID_FOR);
        }
    }

    fn link_here(self) -> String {
        let link = self.store.link();
        let href = if link.is_moment() || link.machine.is_some() {
            link.href()
        } else {
            self.router.route.get_untracked().path().to_owned()
        };
        format!("{}{href}", browser::origin())
    }
}

/// What went well is said for so long (guess: long enough to read twice).
const SAID_FOR: std::time::Duration = std::time::Duration::from_secs(8);
