//! Who is linked to whom in a large network: a random graph of small degree, as gossipsub keeps it.

use super::{Member, Net};

impl Net {
    /// Nodes on the topic, each linked to about `degree` others. The union of random rings: connected, of small diameter.
    pub fn mesh(&mut self, nodes: usize, degree: usize) -> Vec<Member> {
        let members: Vec<Member> = (0..nodes).map(|_| self.node()).collect();
        self.wire(&members, degree);
        members
    }

    /// Links these members at random, each to about `degree` others.
    pub fn wire(&mut self, members: &[Member], degree: usize) {
        let mut ring = members.to_vec();
        for _ in 0..degree.div_ceil(2) {
            self.dice.shuffle(&mut ring);
            for (at, member) in ring.iter().enumerate() {
                let next = ring[(at + 1) % ring.len()];
                self.link(*member, next);
            }
        }
    }
}
