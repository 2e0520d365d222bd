//! Log lines of a machine, by level (machine.md 9.4), behind the feature `log`: the engine's [`Logger`] beside the
//! observers. Lines are written down under the lock and told after unlocking.
//!
//! Without the feature, or as long as nobody listens, the engine runs without a logger and pays nothing.

use std::sync::Arc;

use statemesh_core::engine::{Machine as Engine, Mutation, Outcome, Poll, Run, Schema};

use super::observe::{Collector, Effect};

#[cfg(feature = "log")]
pub use self::listening::LogGuard;

#[cfg(any(feature = "log", feature = "trace"))]
impl super::Machine {
    /// Adds a line of the application to the machine's logs, at `LogLevel::External`, and to the record of the
    /// transition that runs, else of the next.
    pub fn log_line(&self, text: &str) {
        let mut state = self.shared.lock();
        if state.observers.want_transitions() {
            state.notes.line(text);
        }
        #[cfg(feature = "log")]
        {
            state.logs.external(text);
            // Between lines of a drain they keep their place, else they are told here: the drain may be waiting for a
            // handler that takes its time.
            if state.draining && state.suspended.is_none() {
                return;
            }
            let mut told = Vec::new();
            state.logs.flush(&mut told);
            drop(state);
            told.into_iter().for_each(|effect| effect.run(&None));
        }
    }
}

/// Who listens to a machine's lines.
#[derive(Default)]
pub(super) struct Logs {
    #[cfg(feature = "log")]
    taps: Vec<listening::Tap>,
}

#[cfg(not(feature = "log"))]
impl Logs {
    pub(super) fn poll(&mut self, engine: &mut Engine, mut collector: Collector<'_>) -> Poll {
        engine.poll_traced(&mut collector)
    }

    #[inline]
    pub(super) fn run(
        &mut self,
        engine: &mut Engine,
        mutation: Mutation<'_>,
        mut collector: Collector<'_>,
    ) -> Run {
        engine.run_traced(mutation, &mut collector)
    }

    pub(super) fn mutate(&mut self, engine: &mut Engine, mutation: Mutation<'_>) -> Outcome {
        engine.mutate(mutation)
    }

    pub(super) fn flush(&mut self, _: &mut Vec<Effect>) {}

    pub(super) fn schema_changed(&mut self, _: &Arc<Schema>, _: &Arc<Schema>) {}
}

#[cfg(feature = "log")]
mod listening {
    use std::sync::atomic::{AtomicBool, Ordering};

    use parking_lot::Mutex;
    use statemesh_core::StateIdx;
    use statemesh_core::engine::{
        Answer, BindingId, Call, Handler, LogLevel, Logger, MutationKind, QueuedView, Step, Tracer,
        TransitionView,
    };

    use super::super::Machine;
    use super::{Arc, Collector, Effect, Engine, Logs, Mutation, Outcome, Poll, Run, Schema};

    /// Ends a log when dropped. A line that is on its way on another thread may still be told after that.
    #[must_use = "the log ends when this is dropped"]
    pub struct LogGuard {
        live: Arc<AtomicBool>,
    }

    impl Drop for LogGuard {
        fn drop(&mut self) {
            self.live.store(false, Ordering::Release);
        }
    }

    impl Machine {
        /// Tells what the machine does in lines, up to a level, outside all locks and in order, until the returned guard is
        /// dropped. For development: writing them costs much more than a transition.
        ///
        /// ```
        /// use statemesh::machine::LogLevel;
        /// use statemesh::prelude::*;
        ///
        /// states! { enum S { Door, Lamp } }
        ///
        /// let machine = Machine::new("hall", S::schema());
        /// let _log = machine.log(LogLevel::Changes, |_, line| assert_eq!(line, "[hall] [state] +Lamp"));
        /// machine.add(S::Lamp)?;
        /// # Ok::<_, statemesh::machine::UnknownState>(())
        /// ```
        pub fn log(
            &self,
            level: LogLevel,
            sink: impl Fn(LogLevel, &str) + Send + Sync + 'static,
        ) -> LogGuard {
            let lines: Lines = Arc::default();
            let written = lines.clone();
            let write: Write =
                Box::new(move |level, line| written.lock().push((level, line.into())));
            let live = Arc::new(AtomicBool::new(true));
            let tap = Tap {
                logger: Logger::new(self.schema(), self.id(), level, write),
                lines,
                sink: Arc::new(sink),
                live: live.clone(),
            };
            self.shared.lock().logs.taps.push(tap);
            LogGuard { live }
        }
    }

    type Lines = Arc<Mutex<Vec<(LogLevel, Box<str>)>>>;
    type Write = Box<dyn FnMut(LogLevel, &str) + Send>;
    type Sink = dyn Fn(LogLevel, &str) + Send + Sync;

    /// One listener.
    pub(super) struct Tap {
        logger: Logger<Write>,
        lines: Lines,
        sink: Arc<Sink>,
        live: Arc<AtomicBool>,
    }

    impl Logs {
        pub(in super::super) fn poll(
            &mut self,
            engine: &mut Engine,
            mut collector: Collector<'_>,
        ) -> Poll {
            if self.taps.is_empty() {
                return engine.poll_traced(&mut collector);
            }
            let taps = &mut self.taps;
            engine.poll_traced(&mut Both(taps, Some(collector)))
        }

        pub(in super::super) fn run(
            &mut self,
            engine: &mut Engine,
            mutation: Mutation<'_>,
            mut collector: Collector<'_>,
        ) -> Run {
            if self.taps.is_empty() {
                return engine.run_traced(mutation, &mut collector);
            }
            engine.run_traced(mutation, &mut Both(&mut self.taps, Some(collector)))
        }

        pub(in super::super) fn mutate(
            &mut self,
            engine: &mut Engine,
            mutation: Mutation<'_>,
        ) -> Outcome {
            if self.taps.is_empty() {
                return engine.mutate(mutation);
            }
            engine.mutate_traced(mutation, &mut Both(&mut self.taps, None))
        }

        pub(super) fn external(&mut self, text: &str) {
            for tap in &mut self.taps {
                tap.logger.external(text);
            }
        }

        pub(in super::super) fn schema_changed(&mut self, old: &Arc<Schema>, new: &Arc<Schema>) {
            for tap in &mut self.taps {
                tap.logger.schema_changed(old, new);
            }
        }

        /// Hands new lines over, and lets those go who do not listen any more.
        pub(in super::super) fn flush(&mut self, effects: &mut Vec<Effect>) {
            self.taps.retain_mut(|tap| {
                let mut lines = std::mem::take(&mut *tap.lines.lock());
                let is_live = tap.live.load(Ordering::Acquire);
                if !is_live {
                    lines.clear();
                }
                let sink = tap.sink.clone();
                // The sink is the user's: even its last reference is not dropped here.
                if !is_live || !lines.is_empty() {
                    effects.push(Effect::Later(Box::new(move || {
                        for (level, line) in &lines {
                            sink(*level, line);
                        }
                    })));
                }
                is_live
            });
        }
    }

    /// Tells the listeners what the collector is told.
    struct Both<'a, 'b>(&'a mut Vec<Tap>, Option<Collector<'b>>);

    macro_rules! forward {
        ($($name:ident($($arg:ident: $type:ty),*);)*) => {$(
            fn $name(&mut self $(, $arg: $type)*) {
                for tap in self.0.iter_mut() {
                    tap.logger.$name($($arg),*);
                }
                if let Some(collector) = &mut self.1 {
                    collector.$name($($arg),*);
                }
            }
        )*};
    }

    impl Tracer for Both<'_, '_> {
        const STEPS: bool = true;
        const EVENTS: bool = true;

        forward! {
            handlers_bound(binding: BindingId);
            mutation_skipped(kind: MutationKind, called: &[StateIdx]);
            event(binding: BindingId, handler: Handler);
            mutation_queued(mutation: QueuedView<'_>);
            transition_init(transition: TransitionView<'_>);
            transition_finals(transition: TransitionView<'_>);
            handler_start(call: Call);
            handler_end(call: Call);
            handler_refused(call: Call, answer: Answer, transition: TransitionView<'_>);
            step(step: Step);
            transition_end(transition: TransitionView<'_>);
            queue_end();
        }
    }
}
