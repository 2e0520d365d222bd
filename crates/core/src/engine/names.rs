//! Lists of state names as sets with an order: what is written first stays where it is.
//!
//! Schemas written by hand are small; these helpers compare name by name.

/// Each name once, where it comes first.
#[must_use]
pub fn unique<S: AsRef<str>>(names: &[S]) -> Vec<String> {
    union(names, &[] as &[&str])
}

/// All of `left`, then what `right` has besides; each name once.
#[must_use]
pub fn union(left: &[impl AsRef<str>], right: &[impl AsRef<str>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let left = left.iter().map(AsRef::as_ref);
    for name in left.chain(right.iter().map(AsRef::as_ref)) {
        if !has(&names, name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// What is in `left` and not in `right`, in the order of `left`.
#[must_use]
pub fn difference(left: &[impl AsRef<str>], right: &[impl AsRef<str>]) -> Vec<String> {
    kept(left, |name| !has(right, name))
}

/// What is in both, in the order of `left`.
#[must_use]
pub fn intersection(left: &[impl AsRef<str>], right: &[impl AsRef<str>]) -> Vec<String> {
    kept(left, |name| has(right, name))
}

/// Both hold the same names, whatever their order and number.
#[must_use]
pub fn is_same_set(left: &[impl AsRef<str>], right: &[impl AsRef<str>]) -> bool {
    let all_in_right = left.iter().all(|name| has(right, name.as_ref()));
    all_in_right && right.iter().all(|name| has(left, name.as_ref()))
}

/// Each name behind the prefix.
#[must_use]
pub fn prefixed(prefix: &str, names: &[impl AsRef<str>]) -> Vec<String> {
    let names = names.iter().map(AsRef::as_ref);
    names.map(|name| format!("{prefix}{name}")).collect()
}

/// The names that begin with the prefix; each once.
#[must_use]
pub fn with_prefix(names: &[impl AsRef<str>], prefix: &str) -> Vec<String> {
    unique(&kept(names, |name| name.starts_with(prefix)))
}

/// The name with a capital first letter, as names of states begin by convention.
#[must_use]
pub fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// The name has a meaning of its own: to the engine, to the reusable schemas, or in handler names.
#[must_use]
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

fn has(names: &[impl AsRef<str>], name: &str) -> bool {
    names.iter().any(|known| known.as_ref() == name)
}

fn kept(names: &[impl AsRef<str>], keep: impl Fn(&str) -> bool) -> Vec<String> {
    let names = names.iter().map(AsRef::as_ref);
    names.filter(|name| keep(name)).map(str::to_owned).collect()
}

/// Names with a meaning of their own.
const RESERVED: [&str; 8] = [
    "Exception",
    "Any",
    "Start",
    "Ready",
    "Heartbeat",
    "Healthcheck",
    "Disposing",
    "MachineRestored",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_that_of_the_first_list() {
        let (left, right) = (["B", "A", "B", "D"], ["C", "A", "D"]);
        assert_eq!(unique(&left), ["B", "A", "D"]);
        assert_eq!(union(&left, &right), ["B", "A", "D", "C"]);
        assert_eq!(difference(&left, &right), ["B", "B"]);
        assert_eq!(intersection(&left, &right), ["A", "D"]);
        assert!(is_same_set(&left, &["D", "B", "A"]) && !is_same_set(&left, &right));
    }

    #[test]
    fn prefixes_and_capitals() {
        assert_eq!(prefixed("Foo", &["A", "FooB"]), ["FooA", "FooFooB"]);
        assert_eq!(with_prefix(&["FooB", "A", "FooB"], "Foo"), ["FooB"]);
        assert_eq!(capitalised("größe"), "Größe");
        assert_eq!(
            (capitalised(""), capitalised("éa")),
            (String::new(), "Éa".to_owned())
        );
        assert!(is_reserved("Start") && !is_reserved("start"));
    }
}
