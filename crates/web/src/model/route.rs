//! The page's addresses: which view a path names.

/// A view of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// What is wrong, and every machine by host.
    Overview,
    /// All machines beside one of them.
    Machines,
    /// The network.
    Mesh,
    /// Everyone known.
    Peers,
    /// Two runs beside each other.
    Compare,
    /// What the reader prefers.
    Settings,
    /// A field for a relay's address.
    Join,
    /// Any other address.
    Unknown,
}

impl Route {
    /// The view at `path`; a slash at the end makes no difference.
    #[must_use]
    pub fn at(path: &str) -> Self {
        let path = path.strip_suffix('/').unwrap_or(path);
        Self::ALL
            .into_iter()
            .find(|route| route.path().trim_end_matches('/') == path)
            .unwrap_or(Self::Unknown)
    }

    /// Where the view is.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Overview | Self::Unknown => "/",
            Self::Machines => "/m",
            Self::Mesh => "/mesh",
            Self::Peers => "/peers",
            Self::Compare => "/compare",
            Self::Settings => "/settings",
            Self::Join => "/join",
        }
    }

    /// Is its code part of what a first visit loads?
    #[must_use]
    pub fn is_first(self) -> bool {
        matches!(self, Self::Overview | Self::Join | Self::Unknown)
    }

    /// All that have an address of their own.
    const ALL: [Self; 7] = [
        Self::Overview,
        Self::Machines,
        Self::Mesh,
        Self::Peers,
        Self::Compare,
        Self::Settings,
        Self::Join,
    ];
}

/// `#sample`, `#sample=100000`: the page is opened with the sample workflow at work, so many transitions on.
#[must_use]
pub fn wanted_sample(fragment: &str) -> Option<u64> {
    let mut keys = fragment.trim_start_matches('#').split('&');
    keys.find_map(|pair| match pair.strip_prefix("sample")? {
        "" => Some(0),
        value => value.strip_prefix('=')?.parse().ok(),
    })
    .map(|until: u64| until.min(MOST))
}

/// More transitions than history keeps.
const MOST: u64 = 10_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_asked_for_behind_the_address() {
        for (fragment, wanted) in [
            ("#sample", Some(0)),
            ("#sample=100", Some(100)),
            ("#v=1&sample=7&w=60s", Some(7)),
            ("#sample=99999999999", Some(MOST)),
            ("#sample=x", None),
            ("#samples", None),
            ("#id=sample@abc", None),
            ("", None),
        ] {
            assert_eq!(wanted_sample(fragment), wanted, "{fragment}");
        }
    }

    #[test]
    fn every_view_is_found_at_its_path() {
        for route in Route::ALL {
            assert_eq!(Route::at(route.path()), route);
        }
    }

    #[test]
    fn a_slash_at_the_end_makes_no_difference() {
        for (path, route) in [
            ("", Route::Overview),
            ("/m/", Route::Machines),
            ("/mesh/", Route::Mesh),
            ("/peers/", Route::Peers),
            ("/join/", Route::Join),
        ] {
            assert_eq!(Route::at(path), route, "{path}");
        }
    }

    #[test]
    fn other_paths_are_no_view() {
        for path in ["//", "/x", "/m/x", "/M", "/peers//", "m", "/index.html"] {
            assert_eq!(Route::at(path), Route::Unknown, "{path}");
        }
    }
}
