//! What leaves the page and what comes back: links, recordings, bookmarks. Says what became of it in one notice.

use crate::ui::prelude::*;
use wasm_bindgen_futures::spawn_local;

use crate::browser::{self, files};
use crate::history::Bookmark as Kept;
use crate::history::{Limits, read_recording, zero_for};
use crate::model::{
    Bookmark, MAX_BOOKMARKS, MAX_WORDS, MachineRef, MomentLink, Route, Seen, read_bookmarks,
    write_bookmarks,
};
use crate::router::Router;
use crate::store::Store;
use crate::store::recording::Part;
use crate::words;

/// Copies are the same.
#[derive(Clone, Copy)]
pub struct Sharing {
    store: Store,
    router: Router,
    /// What is said now.
    pub notice: RwSignal<Option<Notice>>,
    /// What of the history is saved.
    pub part: RwSignal<Part>,
    /// With log lines, arguments and reasons.
    pub with_words: RwSignal<bool>,
    /// Moments with names.
    pub bookmarks: RwSignal<Vec<Bookmark>>,
    /// Those of the recording shown.
    pub of_recording: RwSignal<Vec<Bookmark>>,
    /// How often the list was asked for.
    pub lists: RwSignal<u32>,
    said: StoredValue<u32>,
}

/// A sentence that stays for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// It.
    pub text: String,
    /// To be copied by hand.
    pub field: Option<String>,
    /// A recording that a link names, which is opened when somebody says so.
    pub ask: Option<String>,
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
            part: RwSignal::new(Part::All),
            with_words: RwSignal::new(false),
            bookmarks: RwSignal::new(read_bookmarks(&browser::bookmarks())),
            of_recording: RwSignal::new(Vec::new()),
            lists: RwSignal::new(0),
            said: StoredValue::new(0),
        }
    }

    /// Copies a link to what is looked at; while that is live, to the live view.
    pub fn copy_link(self) {
        self.copy(self.link_here());
    }

    /// Copies an address of this page.
    pub fn copy(self, href: String) {
        spawn_local(async move {
            if browser::copy(&href).await {
                self.say(words::link::COPIED);
            } else {
                self.refuse_with(words::NOT_COPIED, href);
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
        self.router.open(&href);
    }

    /// Does something as soon as the whole program is here.
    fn when_whole(self, act: impl FnOnce() + 'static) {
        spawn_local(async move {
            if browser::whole().await {
                act();
            } else {
                self.refuse(words::NOT_LOADED);
            }
        });
    }

    /// Saves what was asked for as a file.
    pub fn save(self) {
        self.when_whole(move || self.write());
    }

    #[inline(never)]
    fn write(self) {
        let store = self.store;
        let (part, with_words) = (self.part.get_untracked(), self.with_words.get_untracked());
        let Some(written) = store.write(part, with_words, self.kept()) else {
            return self.refuse(words::recording::NOTHING);
        };
        let topic = store.topic.get_untracked().unwrap_or_default();
        let name = words::recording::file_name(&topic, store.wall.get(), written.span.1);
        let span = words::recording::span(store.wall.get(), written.span.0, written.span.1);
        spawn_local(async move {
            let packed = match files::pack(&written.bytes).await {
                Ok(packed) => files::save(&packed, &name).map(|()| packed),
                Err(error) => Err(error),
            };
            match packed {
                Ok(packed) => {
                    let bytes = packed.size() as u64;
                    self.say(&words::recording::saved(
                        &name,
                        bytes,
                        written.machines,
                        &span,
                    ));
                }
                Err(error) => self.refuse(&words::recording::not_saved(&browser::reason(&error))),
            }
        });
    }

    /// The view as text: copied, and saved as a file.
    pub fn save_text(self) {
        self.when_whole(move || self.write_text());
    }

    #[inline(never)]
    fn write_text(self) {
        let text = self.store.text_of(self.router.route.get_untracked(), None);
        let name = self.file_name("txt");
        spawn_local(async move {
            let is_copied = browser::copy(&text).await;
            match files::save_text(&text, "", &name) {
                Ok(()) => self.say(&words::snapshot::made(&name, is_copied)),
                Err(error) => self.refuse(&words::recording::not_saved(&browser::reason(&error))),
            }
        });
    }

    /// The table that is shown, comma-separated or as lines of JSON.
    pub fn save_table(self, as_json: bool) {
        let Some(table) = self.store.table_of(self.router.route.get_untracked()) else {
            return self.refuse(words::snapshot::NO_TABLE);
        };
        let (text, end) = if as_json {
            (table.json_lines(), "jsonl")
        } else {
            (table.csv(), "csv")
        };
        let name = self.file_name(end);
        match files::save_text(&text, "", &name) {
            Ok(()) => self.say(&words::snapshot::saved(&name, table.rows.len())),
            Err(error) => self.refuse(&words::recording::not_saved(&browser::reason(&error))),
        }
    }

    /// The lanes on screen as a picture.
    pub fn save_lanes(self) {
        let name = self.file_name("png");
        match browser::lanes::save_lanes(&name) {
            Some(rows) => self.say(&words::snapshot::saved(&name, rows as usize)),
            None => self.refuse(words::snapshot::NO_LANES),
        }
    }

    /// `parcel-eu-1432.csv`.
    pub fn file_name(self, end: &str) -> String {
        let topic = self.store.topic.get_untracked().unwrap_or_default();
        let at = self.store.now.get_untracked();
        let name = words::recording::file_name(&topic, self.store.wall.get(), at);
        name.replace(".smesh", &[".", end].concat())
    }

    /// Opens a file as a recording.
    pub fn open(self, file: files::Picked) {
        spawn_local(async move {
            let bytes = file.read(Limits::default().bytes).await;
            self.show(bytes, file.name);
        });
    }

    /// A link may name a recording on the page's own server: asks whether it is to be opened.
    pub fn ask(self, fragment: &str) {
        if let Some(path) = recording_of(fragment) {
            self.tell(Notice {
                text: words::recording::ask(&path),
                field: None,
                ask: Some(path),
                is_wrong: true,
            });
        }
    }

    /// Opens what was asked about.
    pub fn fetch(self, path: String) {
        self.hush();
        spawn_local(async move {
            let url = format!("{}{path}", browser::origin());
            let bytes = files::fetch(&url, Limits::default().bytes).await;
            let name = path.rsplit('/').next().unwrap_or_default().to_owned();
            self.show(bytes, name);
        });
    }

    /// Opens the recording that comes with the page. It is looked at in the Overview.
    pub fn look_at_incident(self) {
        if self.router.route.get_untracked() == Route::Join {
            self.router.show(Route::Overview);
        }
        self.fetch(INCIDENT.to_owned());
    }

    fn show(self, bytes: Option<Vec<u8>>, name: String) {
        self.when_whole(move || self.read(bytes, name));
    }

    #[inline(never)]
    fn read(self, bytes: Option<Vec<u8>>, name: String) {
        let Some(bytes) = bytes else {
            return self.refuse(words::recording::UNREADABLE);
        };
        let origin = zero_for(&bytes, self.store.origin());
        match read_recording(&bytes, origin, Limits::default()) {
            Ok(recording) => {
                let damaged = words::recording::damaged(&recording, self.store.wall.get());
                self.hush();
                if recording.history.is_empty() {
                    return self.refuse(damaged.as_deref().unwrap_or(words::recording::EMPTY));
                }
                let bookmarks = recording.about.bookmarks.iter();
                let bookmarks = bookmarks.map(|kept| of_kept(kept, origin));
                self.of_recording
                    .set(bookmarks.take(MAX_BOOKMARKS).collect());
                self.store.open(recording, name);
                if let Some(damaged) = damaged {
                    self.refuse(&damaged);
                }
            }
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    /// Bookmarks the moment looked at.
    pub fn bookmark(self) {
        let link = self.store.moment();
        let at = link.seen_at.unwrap_or_default() / 1_000;
        let at = Seen(at.saturating_sub(self.store.origin()));
        let machine = link.machine.as_ref().map(|machine| machine.id.as_str());
        let name = words::bookmarks::name(machine, &self.store.wall.text(at, 3));
        let is_full = self.bookmarks.with_untracked(Vec::len) >= MAX_BOOKMARKS;
        if is_full {
            return self.refuse(words::bookmarks::TOO_MANY);
        }
        let note = String::new();
        self.bookmarks
            .update(|all| all.push(Bookmark { link, name, note }));
        self.keep(words::bookmarks::ADDED);
    }

    /// Names a bookmark, or says more about it.
    pub fn change_bookmark(self, at: usize, change: impl FnOnce(&mut Bookmark)) {
        self.bookmarks.update(|all| {
            if let Some(bookmark) = all.get_mut(at) {
                change(bookmark);
                for words in [&mut bookmark.name, &mut bookmark.note] {
                    *words = words.chars().take(MAX_WORDS).collect();
                }
            }
        });
        self.keep("");
    }

    /// Forgets a bookmark.
    pub fn drop_bookmark(self, at: usize) {
        self.bookmarks.update(|all| {
            if at < all.len() {
                all.remove(at);
            }
        });
        self.keep("");
    }

    fn keep(self, said: &str) {
        let text = self.bookmarks.with_untracked(|all| write_bookmarks(all));
        if !browser::keep_bookmarks(&text) {
            self.refuse(words::bookmarks::NOT_KEPT);
        } else if !said.is_empty() {
            self.say(said);
        }
    }

    /// Bookmarks as a recording holds them.
    fn kept(self) -> Vec<Kept> {
        let origin = self.store.origin();
        self.bookmarks.with_untracked(|all| {
            let all = all.iter().filter_map(|bookmark| to_kept(bookmark, origin));
            all.collect()
        })
    }

    /// Says something for a while.
    pub fn say(self, text: &str) {
        self.tell(Notice {
            text: text.to_owned(),
            field: None,
            ask: None,
            is_wrong: false,
        });
    }

    /// Says that something did not work.
    pub fn refuse(self, text: &str) {
        self.tell(Notice {
            text: text.to_owned(),
            field: None,
            ask: None,
            is_wrong: true,
        });
    }

    /// The same, with a text to be copied by hand.
    pub fn refuse_with(self, text: &str, field: String) {
        self.tell(Notice {
            text: text.to_owned(),
            field: Some(field),
            ask: None,
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

    /// The address of what a link names, in the view that is open.
    #[must_use]
    pub fn address(self, link: &MomentLink) -> String {
        let route = self.router.route.get_untracked();
        let href = match route {
            Route::Machines => link.href(),
            Route::Mesh | Route::Peers => {
                let mut link = link.clone();
                (link.machine, link.state) = (None, None);
                let fragment = if link.is_moment() {
                    link.fragment()
                } else {
                    String::new()
                };
                format!("{}{fragment}", route.path())
            }
            _ if link.is_moment() => link.href(),
            _ => "/".to_owned(),
        };
        format!("{}{href}", browser::origin())
    }

    fn link_here(self) -> String {
        let route = self.router.route.get_untracked();
        if route == Route::Compare {
            let fragment = self.router.fragment.get_untracked();
            return format!("{}{}{fragment}", browser::origin(), route.path());
        }
        let link = self.store.link();
        let href = if link.is_moment() || link.machine.is_some() {
            link.href()
        } else {
            route.path().to_owned()
        };
        format!("{}{href}", browser::origin())
    }
}

/// `None`: it lies before the page's clock.
fn to_kept(bookmark: &Bookmark, origin: u64) -> Option<Kept> {
    let machine = bookmark.link.machine.as_ref();
    Some(Kept {
        at: Seen((bookmark.link.seen_at? / 1_000).checked_sub(origin)?),
        machine: machine.map(MachineRef::text).unwrap_or_default(),
        name: bookmark.name.clone(),
        note: bookmark.note.clone(),
    })
}

fn of_kept(kept: &Kept, origin: u64) -> Bookmark {
    let cut = |text: &str| text.chars().take(MAX_WORDS).collect();
    Bookmark {
        link: MomentLink {
            machine: MachineRef::parse(&format!("id={}", kept.machine)),
            seen_at: Some((origin + kept.at.0) * 1_000),
            ..MomentLink::default()
        },
        name: cut(&kept.name),
        note: cut(&kept.note),
    }
}

/// The path of a recording that a fragment names: on this page's own server, and nowhere else.
fn recording_of(fragment: &str) -> Option<String> {
    let fragment = fragment.trim_start_matches('#');
    let path = fragment
        .split('&')
        .find_map(|pair| pair.strip_prefix("open="))?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
    let is_here = path.starts_with('/') && !path.starts_with("//") && !path.contains("..");
    (is_here && path.len() <= 256 && path.chars().all(is_plain)).then(|| path.to_owned())
}

/// The recording that comes with the page (index.html names it for trunk).
const INCIDENT: &str = "/incident.smesh";

/// What went well is said for so long (guess: long enough to read twice).
const SAID_FOR: std::time::Duration = std::time::Duration::from_secs(8);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookmarks_travel_with_a_recording() {
        let bookmark = Bookmark {
            link: MomentLink::of_text("#id=a%26b@xyz&a=1780000000123000").unwrap(),
            name: "here".to_owned(),
            note: "and why".to_owned(),
        };
        let origin = 1_779_999_999_000;
        let kept = to_kept(&bookmark, origin).unwrap();
        assert_eq!(kept.at, Seen(1_123));
        assert_eq!(of_kept(&kept, origin), bookmark);
        assert_eq!(to_kept(&bookmark, 1_790_000_000_000), None);
    }

    #[test]
    fn recordings_are_opened_from_here_only() {
        for (fragment, path) in [
            (
                "#open=/run/parcel-eu-1432.smesh",
                Some("/run/parcel-eu-1432.smesh"),
            ),
            ("#v=1&open=/a.smesh&x=1", Some("/a.smesh")),
            ("#open=//elsewhere.example/a.smesh", None),
            ("#open=https://elsewhere.example/a.smesh", None),
            ("#open=/\\elsewhere.example/a", None),
            ("#open=/../api", None),
            ("#open=%2Fa", None),
            ("#open=", None),
            ("#v=1", None),
        ] {
            assert_eq!(recording_of(fragment).as_deref(), path, "{fragment}");
        }
    }
}
