//! What is left out of the Machine view's lists: eight kinds of transitions and two kinds of machines (dashboard design
//! 7.2). A filter that is on hides.

/// One filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxFilter {
    /// Refused, called by somebody.
    Canceled,
    /// Called while another transition of the machine ran, so it waited.
    Queued,
    /// Called by the engine for Auto states, and executed.
    Auto,
    /// The same, refused.
    AutoCanceled,
    /// Executed, and nothing changed.
    Empty,
    /// About `Heartbeat` and `Healthcheck` only.
    Health,
    /// Tried only.
    Checks,
    /// Neither calls nor changes a state of the chosen group.
    OutsideGroup,
    /// Machines that are gone, in the list of machines.
    Gone,
    /// The tab's own machines, in the same list.
    Own,
}

/// Filters that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TxFilters(u16);

impl TxFilter {
    /// In the order of the bar; the first [`TxFilter::OF_TRANSITIONS`] are about transitions.
    pub const ALL: [Self; 10] = [
        Self::Canceled,
        Self::Queued,
        Self::Auto,
        Self::AutoCanceled,
        Self::Empty,
        Self::Health,
        Self::Checks,
        Self::OutsideGroup,
        Self::Gone,
        Self::Own,
    ];
    /// How many of them are about transitions.
    pub const OF_TRANSITIONS: usize = 8;

    /// What it is kept as.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::Queued => "queued",
            Self::Auto => "auto",
            Self::AutoCanceled => "autocanceled",
            Self::Empty => "empty",
            Self::Health => "health",
            Self::Checks => "checks",
            Self::OutsideGroup => "group",
            Self::Gone => "gone",
            Self::Own => "own",
        }
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl TxFilters {
    /// Of these.
    #[must_use]
    pub fn of(filters: &[TxFilter]) -> Self {
        Self(filters.iter().fold(0, |bits, filter| bits | filter.bit()))
    }

    /// It is on.
    #[must_use]
    pub fn has(self, filter: TxFilter) -> bool {
        self.0 & filter.bit() != 0
    }

    /// The same with one turned.
    #[must_use]
    pub fn turned(self, filter: TxFilter) -> Self {
        Self(self.0 ^ filter.bit())
    }

    /// The same without others.
    #[must_use]
    pub fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// How many.
    #[must_use]
    pub fn count(self) -> u32 {
        self.0.count_ones()
    }

    /// Those about transitions, a bit for each in the order of [`TxFilter::ALL`].
    #[must_use]
    pub fn of_transitions(self) -> u8 {
        (self.0 & 0xff) as u8
    }

    /// The other way.
    #[must_use]
    pub fn from_transitions(bits: u8) -> Self {
        Self(u16::from(bits))
    }

    /// As they are kept.
    #[must_use]
    pub fn text(self) -> String {
        let on = TxFilter::ALL.into_iter().filter(|it| self.has(*it));
        on.map(TxFilter::key).collect::<Vec<_>>().join(",")
    }

    /// The other way; names that are not known are of a page that is not much newer.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let known = text.split(',').filter_map(|word| {
            let is_it = |filter: &TxFilter| filter.key() == word;
            TxFilter::ALL.into_iter().find(is_it)
        });
        Self::of(&known.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_kept_by_name() {
        for (filters, text) in [
            (&[][..], ""),
            (&[TxFilter::Auto], "auto"),
            (&[TxFilter::Own, TxFilter::Canceled], "canceled,own"),
        ] {
            let filters = TxFilters::of(filters);
            assert_eq!(filters.text(), text);
            assert_eq!(TxFilters::read(text), filters);
        }
        let all = TxFilters::of(&TxFilter::ALL);
        assert_eq!(TxFilters::read(&all.text()), all);
        assert_eq!(all.count(), 10);
        assert_eq!(TxFilters::read("later,auto").text(), "auto");
    }

    #[test]
    fn a_filter_turns_alone_and_eight_are_about_transitions() {
        for (at, filter) in TxFilter::ALL.into_iter().enumerate() {
            let one = TxFilters::default().turned(filter);
            assert!(one.has(filter) && one.count() == 1);
            assert_eq!(one.turned(filter), TxFilters::default());
            let bits = one.of_transitions();
            let is_one = at < TxFilter::OF_TRANSITIONS;
            assert_eq!(u32::from(is_one), bits.count_ones(), "{filter:?}");
            if is_one {
                assert_eq!(bits, 1 << at);
                assert_eq!(TxFilters::from_transitions(bits), one);
                assert_eq!(one.without(one).count(), 0);
            }
        }
    }
}
