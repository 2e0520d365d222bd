//! What is true of a machine between two marks: how it is heard, in which run, and whether it is still there. Marks go
//! forward only: history keeps what it was recorded with.

use std::collections::VecDeque;

use super::{Fidelity, Position, Seen};

/// What holds for a stretch of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How much is known.
    pub fidelity: Fidelity,
    /// The owner's run, from 1.
    pub epoch: u64,
    /// Signed by its owner.
    pub first_hand: bool,
    /// It went, at, and whether its owner said so.
    pub gone: Option<(Seen, bool)>,
    /// Its clock differs from what its owner says.
    pub differs: bool,
}

/// What began at a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// The tab knows of it from here on.
    Known,
    /// Another fidelity.
    Fidelity,
    /// A new run of its owner: nothing before it is before these clocks.
    Run,
    /// Another schema, with so many states more or fewer.
    Schema {
        /// States before.
        before: usize,
        /// States after.
        after: usize,
    },
    /// First hand or hearsay.
    Voice,
    /// It went.
    Gone,
    /// It is back.
    Back,
    /// Its clock and its owner's word differ, or agree again.
    Agreement,
}

/// Where a stretch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Where.
    pub at: Position,
    /// What began.
    pub begins: Begins,
    /// What holds from here on.
    pub standing: Standing,
}

/// The marks of a machine, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    list: VecDeque<Mark>,
}

impl Marks {
    /// One more, behind all others.
    pub(super) fn push(&mut self, at: Position, begins: Begins, standing: Standing) {
        if self.list.len() == MAX_MARKS {
            self.list.pop_front();
        }
        self.list.push_back(Mark {
            at,
            begins,
            standing,
        });
    }

    /// What holds at a position; of older ones, what held first.
    pub(super) fn at(&self, position: Position) -> Option<Standing> {
        let after = self.list.partition_point(|mark| mark.at <= position);
        let mark = self.list.get(after.saturating_sub(1))?;
        Some(mark.standing)
    }

    /// Those from a position until before another.
    pub(super) fn between(&self, from: Position, to: Position) -> impl Iterator<Item = &Mark> {
        let first = self.list.partition_point(|mark| mark.at < from);
        self.list
            .range(first..)
            .take_while(move |mark| mark.at < to)
    }

    /// Drops what ended before this position.
    pub(super) fn forget_before(&mut self, position: Position) {
        while self.list.get(1).is_some_and(|next| next.at <= position) {
            self.list.pop_front();
        }
    }

    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.list.capacity() * size_of::<Mark>()
    }
}

/// Marks held of one machine (guess: a peer that comes and goes once a minute for half a day).
const MAX_MARKS: usize = 1_024;
