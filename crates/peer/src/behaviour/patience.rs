//! How long a link may stay silent.
//!
//! The ping behaviour alone reports a dead link too late: its first failure is silent and the next attempt waits for
//! a stream that nobody negotiates, ten seconds in all. So own ticks are counted since the last answer.
//! Ticks, not time: after a suspended laptop, a throttled background tab or a stalled host the timer fires once, not
//! once per missed interval, so the answer has a fair chance to arrive.
//!
//! Who dialled has to notice soon, for it is the one to dial again. Who was dialled only tidies up, and can wait: a
//! relay on a busy host that cut its neighbours off would have them all come back at once.

use std::time::Duration;

/// That with one link.
pub(super) struct Patience {
    /// Ticks it may still stay silent; `None`: it does not speak ping.
    left: Option<u32>,
    /// Ticks it may stay silent after a sign of life.
    full: u32,
}

impl Patience {
    /// With a link that was just made.
    pub(super) fn new(is_dialler: bool) -> Self {
        let full = match is_dialler {
            true => OF_DIALLERS,
            false => OF_LISTENERS,
        };
        Self {
            left: Some(FIRST.max(full)),
            full,
        }
    }

    /// It gave a sign of life.
    pub(super) fn renew(&mut self) {
        if let Some(left) = &mut self.left {
            *left = self.full;
        }
    }

    /// Its silence says nothing.
    pub(super) fn be_endless(&mut self) {
        self.left = None;
    }

    /// A tick more of silence. False when that is too long.
    pub(super) fn tick(&mut self) -> bool {
        match &mut self.left {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }
}

/// Twice per ping interval, so that the limit is met within half a second.
pub(super) const TICK: Duration = Duration::from_millis(500);
/// Closed on the fifth tick without an answer, 2 to 2.5 s after the last one: two pings missed. A person is looking.
#[cfg(target_arch = "wasm32")]
const OF_DIALLERS: u32 = 4;
/// Closed 4.5 to 5 s after the last sign of life. Natively a host that is busy for two seconds is likelier than a link
/// that died without a word.
#[cfg(not(target_arch = "wasm32"))]
const OF_DIALLERS: u32 = 9;
/// Closed 9.5 to 10 s after the last sign of life, as an idle QUIC connection is.
const OF_LISTENERS: u32 = 19;
/// The first answer needs two round trips more for its stream. A dial gives up after 2 s, so a link that came up at all
/// has time for them; and the relay may die at any moment, also in the first second.
#[cfg(target_arch = "wasm32")]
const FIRST: u32 = OF_DIALLERS;
/// Natively 5.5 to 6 s, or what later answers may take when that is longer.
#[cfg(not(target_arch = "wasm32"))]
const FIRST: u32 = 11;

#[cfg(test)]
mod tests {
    use super::*;

    /// Ticks until it is at its end.
    fn lasts(patience: &mut Patience) -> u32 {
        (0..1000).take_while(|_| patience.tick()).count() as u32
    }

    #[test]
    fn it_ends_and_signs_of_life_renew_it() {
        for (is_dialler, first, full) in [
            (true, FIRST, OF_DIALLERS),
            (false, OF_LISTENERS, OF_LISTENERS),
        ] {
            let mut patience = Patience::new(is_dialler);
            assert_eq!(lasts(&mut patience), first);
            for _ in 0..10 {
                patience.renew();
                assert_eq!(lasts(&mut patience), full);
            }
            assert!(!patience.tick());
        }
    }

    #[test]
    fn it_is_endless_with_a_neighbour_without_ping() {
        let mut patience = Patience::new(true);
        patience.be_endless();
        patience.renew();
        assert_eq!(lasts(&mut patience), 1000);
    }
}
