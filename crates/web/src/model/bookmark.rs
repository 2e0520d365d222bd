//! Bookmarks: moments with a name and a note. Kept by this browser as lines, each a link with two keys more; written into
//! recordings, and read from them.

use super::MomentLink;
use super::link::{decode, encode};

/// A moment somebody wants to find again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bookmark {
    /// Which.
    pub link: MomentLink,
    /// What it is called.
    pub name: String,
    /// What else there is to say.
    pub note: String,
}

/// As lines of text.
#[must_use]
pub fn write_bookmarks(bookmarks: &[Bookmark]) -> String {
    let lines = bookmarks.iter().map(|bookmark| {
        let Bookmark { link, name, note } = bookmark;
        let (name, note) = (encode(name), encode(note));
        format!("{}&name={name}&note={note}", link.fragment())
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// From lines of text; those that are none are passed by, and so is what is too much.
#[must_use]
pub fn read_bookmarks(text: &str) -> Vec<Bookmark> {
    let read = |line: &str| {
        let link = MomentLink::of_text(line).filter(MomentLink::is_moment)?;
        let said = |key: &str| {
            let value = line.split('&').find_map(|pair| pair.strip_prefix(key))?;
            decode(value)
        };
        Some(Bookmark {
            link,
            name: said("name=")?,
            note: said("note=").unwrap_or_default(),
        })
    };
    text.lines().filter_map(read).take(MAX_BOOKMARKS).collect()
}

/// Bookmarks kept (guess: more than anybody reads).
pub const MAX_BOOKMARKS: usize = 500;
/// Characters of a name or a note that are kept.
pub const MAX_WORDS: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bookmarks_come_back_whatever_they_say() {
        let bookmark = |name: &str, note: &str| Bookmark {
            link: MomentLink::of_text("#v=1&id=lamp@abc&c=3&a=1780000000000000").unwrap(),
            name: name.to_owned(),
            note: note.to_owned(),
        };
        let all = [
            bookmark("here", ""),
            bookmark("a&b=c\nd#e%", "ü \u{202e}\0 two\nlines"),
        ];
        assert_eq!(read_bookmarks(&write_bookmarks(&all)), all);
        assert!(read_bookmarks("").is_empty());
        assert!(read_bookmarks("x\n#v=1&id=m&name=live\n#c=1\n#c=1&name=%zz").is_empty());
        let many = "#c=1&name=x\n".repeat(MAX_BOOKMARKS + 9);
        assert_eq!(read_bookmarks(&many).len(), MAX_BOOKMARKS);
    }
}
