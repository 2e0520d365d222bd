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

#[cfg(test)]
mod tests {
    use super::*;

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
