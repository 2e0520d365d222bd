//! Finding machines of other peers: queries, watches, loads, picks.

use std::future::Future;

use futures::StreamExt;

use super::{Closed, Mesh};
use crate::pick::{Choice, Load, Measure, Picker};
use crate::query::Query;
use crate::remote::RemoteMachine;
use crate::watch::Watch;

impl Mesh {
    /// Known remote machines that a query means, by peer and index.
    #[must_use]
    pub fn query(&self, query: &Query) -> Vec<RemoteMachine> {
        let mut machines = self.registry.machines();
        machines.retain(|machine| machine.matches(query));
        machines
    }

    /// Tells which machines begin and cease to be meant, those known now first. It does not keep the peer running.
    pub fn watch(&self, query: Query) -> Watch {
        Watch::new(self.registry.clone(), query)
    }

    /// Resolves to all machines meant as soon as there are at least `least`, now or later. Watched from the call on, not
    /// from the first poll; it does not keep the peer running.
    ///
    /// # Errors
    /// [`Closed`].
    pub fn when_any(
        &self,
        query: Query,
        least: usize,
    ) -> impl Future<Output = Result<Vec<RemoteMachine>, Closed>> + Send + 'static {
        let mut watch = self.watch(query);
        async move {
            while watch.matching().len() < least {
                watch.next().await.ok_or(Closed)?;
            }
            Ok(watch.matching().cloned().collect())
        }
    }

    /// Resolves to the first live remote machine with this id, now or later.
    ///
    /// # Errors
    /// [`Closed`].
    pub async fn machine(&self, id: &str) -> Result<RemoteMachine, Closed> {
        let mut found = self.when_any(Query::new().id(id), 1).await?;
        Ok(found.swap_remove(0))
    }

    /// How busy a machine is, as its owner's states say.
    #[must_use]
    pub fn load(&self, machine: &RemoteMachine, measure: &Measure) -> Load {
        match measure {
            Measure::Slots(prefix) => Load::of_slots(prefix, machine.schema(), &machine.clock()),
            Measure::Children => {
                let of_same_owner = self.registry.machines_of(machine.peer()).into_iter();
                let children = of_same_owner.filter(|it| *it.parent() == *machine.id());
                let looks: Vec<_> = children
                    .map(|it| (it.schema().clone(), it.clock()))
                    .collect();
                let looks = looks.iter().map(|(schema, clock)| (&**schema, &**clock));
                Load::of_children(&machine.tags(), looks)
            }
        }
    }

    /// One of the machines that a query means now, chosen by their loads or by the client's id.
    pub fn pick(&self, query: &Query, picker: &mut Picker) -> Option<RemoteMachine> {
        let mut machines = self.query(query);
        let choice = |machine| Choice {
            peer: RemoteMachine::peer(machine),
            id: machine.id(),
            load: self.load(machine, picker.measured_by()),
        };
        let choices: Vec<Choice<'_>> = machines.iter().map(choice).collect();
        let place = picker.pick(&choices)?;
        Some(machines.swap_remove(place))
    }
}
