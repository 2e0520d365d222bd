//! Pictures of a moment: made for links, and shown where the history is gone (dashboard design 2.2).

use crate::ui::prelude::*;
use wasm_bindgen_futures::spawn_local;

use super::{Inner, Store, set};
use crate::browser::files::{self, Nothing};
use crate::history::change_at;
use crate::model::{
    FRAME_BYTES, Frame, MachineKey, NoFrame, Seen, Shown, attention_rows, of_base64, to_base64,
};
use crate::words;

impl Store {
    /// What is looked at, as a picture; the machine shown comes first, then what needs attention.
    #[must_use]
    pub fn picture(self) -> Frame {
        self.inner.with_value(|inner| inner.picture(inner.now()))
    }

    /// Shows the picture a link brought; it changes nothing else.
    pub(super) fn unpack(self, packed: String) {
        spawn_local(async move {
            let frame = match of_base64(&packed) {
                Ok(bytes) => match files::inflate(&bytes, FRAME_BYTES).await {
                    Ok(text) => Frame::read(&text),
                    Err(Nothing::TooMuch) => Err(NoFrame::TooMuch),
                    Err(Nothing::Damaged) => Err(NoFrame::Damaged),
                },
                Err(problem) => Err(problem),
            };
            if frame.is_ok() {
                set(self.found, Some(words::link::FROM_LINK.to_owned()));
            }
            self.brought.set(Some(frame));
        });
    }
}

/// A picture as it stands in a link, and how many machines are in it; `None`: none fits, or the browser packs nothing.
pub async fn pack(frame: &Frame) -> Option<(String, usize)> {
    let mut machines = frame.machines.len();
    loop {
        let bytes = files::deflate(frame.text(machines).as_bytes()).await?;
        let packed = to_base64(&bytes);
        if packed.len() <= crate::model::FRAME_LENGTH {
            return Some((packed, machines));
        }
        machines = (machines > 1).then_some(machines * 3 / 4)?;
    }
}

impl Inner {
    fn picture(&self, now: Seen) -> Frame {
        let (past, at) = self.time.past(now);
        let world = past.unwrap_or(&self.world);
        let shown = self.views.shown().copied();
        let position = self.time.position(shown.as_ref(), now);
        let history = self.time.history();
        let track = shown.and_then(|key| history.track(&key));
        let change = track.and_then(|track| change_at(track, position));
        let place = track.and_then(|track| track.at(position));
        let side = track
            .zip(place)
            .and_then(|(track, place)| track.side(place));
        let steps = side.zip(change.as_ref()).map(|(side, change)| {
            let steps = side.steps.iter();
            let steps = steps.map(|step| words::link::step(&change.schema, *step));
            steps.map(|step| Shown::new(&step)).collect()
        });
        let mut frame = Frame {
            at: self.origin + at.0,
            head: change.map(|change| Shown::new(&words::link::head(&change))),
            steps: steps.unwrap_or_default(),
            machines: Vec::new(),
        };
        let mut keys: Vec<MachineKey> = shown.into_iter().collect();
        let rows = attention_rows(world, at);
        let wrong = rows.iter().filter_map(|row| match row.subject {
            crate::model::Subject::Machine(key) => Some(key),
            _ => None,
        });
        let all = world.machines().filter(|machine| machine.counts());
        for key in wrong.chain(all.map(|machine| machine.key)) {
            if keys.len() < crate::model::MACHINES && !keys.contains(&key) {
                keys.push(key);
            }
        }
        frame.take(world, keys.into_iter());
        frame
    }
}
