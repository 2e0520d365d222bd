//! Machines that the reader put aside: pinned ones stand first, hidden ones are not listed. Kept by this browser as lines,
//! each a word and a machine as links name it.

use super::{Machine, MachineRef};

/// Pinned and hidden machines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shelf {
    /// They stand first.
    pub pinned: Vec<MachineRef>,
    /// They are not listed.
    pub hidden: Vec<MachineRef>,
}

impl Shelf {
    /// What was kept; lines that are none are passed by.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut shelf = Self::default();
        for line in text.lines() {
            let Some((word, machine)) = line.split_once(' ') else {
                continue;
            };
            let list = match word {
                "pin" => &mut shelf.pinned,
                "hide" => &mut shelf.hidden,
                _ => continue,
            };
            if let Some(machine) = MachineRef::parse(&format!("id={machine}"))
                && list.len() < MOST
            {
                list.push(machine);
            }
        }
        shelf
    }

    /// What is to be kept.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (word, list) in [("pin ", &self.pinned), ("hide ", &self.hidden)] {
            for machine in list {
                text.push_str(&[word, &machine.text(), "\n"].concat());
            }
        }
        text
    }

    /// It stands first.
    #[must_use]
    pub fn is_pinned(&self, machine: &Machine) -> bool {
        has(&self.pinned, machine)
    }

    /// It is not listed.
    #[must_use]
    pub fn is_hidden(&self, machine: &Machine) -> bool {
        has(&self.hidden, machine)
    }
}

/// Puts a machine on a list, or takes it off again; the oldest makes place. True: it is on it now.
pub fn turn(list: &mut Vec<MachineRef>, machine: &MachineRef) -> bool {
    match list.iter().position(|other| other == machine) {
        Some(at) => {
            list.remove(at);
            false
        }
        None => {
            if list.len() == MOST {
                list.remove(0);
            }
            list.push(machine.clone());
            true
        }
    }
}

fn has(list: &[MachineRef], machine: &Machine) -> bool {
    let mut list = list.iter();
    list.any(|it| *it.id == *machine.id && it.is_owner(machine))
}

/// Machines on a list (guess: more than anybody looks after by hand).
const MOST: usize = 200;

#[cfg(test)]
mod tests {
    use super::super::Seen;
    use super::super::fixture::learned_of;
    use super::*;

    fn of(id: &str, owner: &str) -> MachineRef {
        MachineRef {
            id: id.to_owned(),
            owner: owner.to_owned(),
        }
    }

    #[test]
    fn lists_come_back() {
        let mut shelf = Shelf::default();
        assert!(turn(&mut shelf.pinned, &of("a b&\n@=", "7sK2mT4u")));
        assert!(turn(&mut shelf.hidden, &of("lamp", "x")));
        assert_eq!(Shelf::read(&shelf.text()), shelf);
        assert!(!turn(&mut shelf.hidden, &of("lamp", "x")));
        assert!(shelf.hidden.is_empty());
        assert_eq!(Shelf::read("x\npin\nhide \nthrow a@b"), Shelf::default());
        assert_eq!(Shelf::read(&"hide a@b\n".repeat(900)).hidden.len(), MOST);
    }

    #[test]
    fn machines_are_known_by_name_and_owner() {
        let machine = |owner| Machine::new(learned_of(owner, 0, "lamp", &[1, 0, 0, 0]), Seen(0));
        let owner = machine(1).key.peer.to_string();
        let mut shelf = Shelf::default();
        turn(&mut shelf.hidden, &of("lamp", &owner[owner.len() - 8..]));
        assert!(shelf.is_hidden(&machine(1)));
        assert!(!shelf.is_hidden(&machine(2)));
        assert!(!shelf.is_pinned(&machine(1)));
    }
}
