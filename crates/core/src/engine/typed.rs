//! Typed schemas: [`states!`](crate::states) declares a schema and an enum of its states at once, so that a typo in a
//! relation or in a call does not compile.

/// Declares a schema and the enum of its states.
///
/// Each variant is a state. Behind its name, in braces, stand its properties `auto` and `multi`, its relations
/// `require: [..]`, `add: [..]`, `remove: [..]`, `after: [..]`, and `tags: ["key", "key:value"]`, in any order
/// ([`StateDef`](crate::engine::StateDef) says what they mean). Attributes and docs pass through.
///
/// ```
/// statemesh_core::states! {
///     /// States of a download.
///     pub enum S {
///         Start,
///         /// Bytes are coming.
///         Downloading { require: [Start], remove: [..OVER] },
///         Done { require: [Start], remove: [..OVER, Downloading] },
///         Failed { add: [Exception], remove: [..OVER, Downloading], tags: ["ui:red"] },
///         Idle { auto, require: [Start], remove: [Downloading] },
///     }
///     groups {
///         /// It is over, one way or the other.
///         OVER: [Done, Failed],
///     }
/// }
/// # use statemesh_core::engine::{Machine, Mutation, Options, Schema};
/// let (schema, warnings) = Schema::parse(&S::schema()).unwrap();
/// assert!(warnings.is_empty());
/// assert_eq!(S::ALL.len(), 6, "the last is `S::Exception`");
/// assert_eq!(S::OVER, [S::Done, S::Failed]);
/// assert_eq!("Done".parse(), Ok(S::Done));
/// assert_eq!(S::Done.to_string(), "Done");
/// ```
///
/// # The enum
///
/// It is `Copy`, ordered and hashed, and names a state wherever one is asked for
/// ([`StateName`](crate::engine::StateName), `AsRef<str>`, `Into<String>`, `Display`). Besides:
///
/// | item | meaning |
/// |---|---|
/// | `S::ALL` | all its states, in the order of the schema |
/// | `S::schema()` | the definition, for [`Schema::parse`](crate::engine::Schema::parse) or a machine's constructor |
/// | `S::name(self)` | name of a state |
/// | `S::from_str(name)` | the state of that name, or [`UnknownState`](crate::engine::UnknownState) |
/// | `S::GROUP` | the states of a group, as a constant slice |
/// | `S::groups(&schema)` | all groups as [`Groups`](crate::engine::Groups), for tools |
///
/// A group is written `..GROUP` in a relation. There is always `S::Exception`: multi and last, unless the enum begins
/// with it.
///
/// # On top of other schemas
///
/// Enums named behind a colon are the base: the schema begins with their states, and own ones of the same name replace
/// theirs, as [`SchemaDef::merge`](crate::engine::SchemaDef::merge) does. Their states are written with their enum.
///
/// ```
/// use statemesh_core::engine::schemas::{Basic, Connected};
///
/// statemesh_core::states! {
///     pub enum S: Basic, Connected {
///         Syncing { require: [Connected::Connected], remove: [Synced] },
///         Synced { require: [Connected::Connected], add: [Basic::Ready], remove: [Syncing] },
///     }
/// }
/// # use statemesh_core::engine::{Schema, StateName};
/// let (schema, _) = Schema::parse(&S::schema()).unwrap();
/// assert_eq!(schema.len(), Basic::ALL.len() + Connected::ALL.len() - 1 + 2, "one Exception");
/// let [start, synced] = [schema.find(Basic::Start.state_ref()), schema.find(S::Synced.state_ref())];
/// assert!(start.is_some() && synced.is_some());
/// ```
///
/// A value is resolved by name; where the machine's schema has that very name at the value's own place, without a
/// search. So it is right on every schema: another one, a larger one, one with another order.
///
/// # What does not compile
///
/// A relation to a state that is not there, a call with one, the same state twice, a property that does not exist:
///
/// ```compile_fail,E0599
/// statemesh_core::states! { enum S { Start, Ready { require: [Strat] } } }
/// ```
/// ```compile_fail,E0599
/// statemesh_core::states! { enum S { Start } }
/// let state = S::Strat;
/// ```
/// ```compile_fail,E0599
/// statemesh_core::states! { enum S { Start { remove: [..ENDS] } } }
/// ```
/// ```compile_fail,E0599
/// use statemesh_core::engine::schemas::Basic;
/// statemesh_core::states! { enum S: Basic { Done { require: [Basic::Strat] } } }
/// ```
/// ```compile_fail,E0428
/// statemesh_core::states! { enum S { Start, Start } }
/// ```
/// ```compile_fail
/// statemesh_core::states! { enum S { Start, Ready { requires: [Start] } } }
/// ```
/// ```compile_fail
/// statemesh_core::states! { enum S { Start, Ready { require: Start } } }
/// ```
#[macro_export]
macro_rules! states {
    (
        $(#[$meta:meta])*
        $vis:vis enum $S:ident $(: $($base:path),+)? {
            $(#[$first_meta:meta])* Exception $({ $($first:tt)* })?
            $(, $(#[$state_meta:meta])* $state:ident $({ $($props:tt)* })?)* $(,)?
        }
        $(groups { $($groups:tt)* })?
    ) => {
        $crate::states! { @build [$(#[$meta])*] $vis $S [$($($base),+)?]
            [
                $(#[$first_meta])* Exception { $($($first)*)? }
                $($(#[$state_meta])* $state { $($($props)*)? })*
            ]
            []
            [$($($groups)*)?]
        }
    };
    (
        $(#[$meta:meta])*
        $vis:vis enum $S:ident $(: $($base:path),+)? {
            $($(#[$state_meta:meta])* $state:ident $({ $($props:tt)* })?),* $(,)?
        }
        $(groups { $($groups:tt)* })?
    ) => {
        $crate::states! { @build [$(#[$meta])*] $vis $S [$($($base),+)?]
            [$($(#[$state_meta])* $state { $($($props)*)? })*]
            [Exception]
            [$($($groups)*)?]
        }
    };
    (
        @build [$($meta:tt)*] $vis:vis $S:ident [$($base:path),*]
        [$($(#[$state_meta:meta])* $state:ident { $($props:tt)* })*]
        [$($implied:ident)?]
        [$($(#[$group_meta:meta])* $group:ident : [$($member:ident),* $(,)?]),* $(,)?]
    ) => {
        $($meta)*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(clippy::enum_variant_names, reason = "states are named by their domain")]
        $vis enum $S {
            $($(#[$state_meta])* $state,)*
            $(
                /// Something went wrong.
                $implied,
            )?
        }

        #[allow(dead_code, reason = "not everybody needs all of it")]
        impl $S {
            /// All states declared here, in the order of the schema.
            $vis const ALL: &'static [Self] = &[$(Self::$state,)* $(Self::$implied)?];
            /// States of the schemas below.
            #[doc(hidden)]
            $vis const BELOW: usize = 0 $(+ <$base>::BELOW + <$base>::ALL.len())*;
            $($(#[$group_meta])* $vis const $group: &'static [Self] = &[$(Self::$member),*];)*

            /// The definition of the schema.
            #[must_use]
            $vis fn schema() -> $crate::engine::SchemaDef {
                $crate::engine::SchemaDef::new()
                    $(.merge(<$base>::schema()))*
                    $(.state(stringify!($state), $crate::states!(@def $S $($props)*)))*
                    .with_exception()
            }

            /// Name of the state.
            #[must_use]
            $vis const fn name(self) -> &'static str {
                const NAMES: &[&str] = &[$(stringify!($state),)* $(stringify!($implied))?];
                NAMES[self as usize]
            }

            /// The groups, for tools.
            ///
            /// # Errors
            /// The first name of a group that the schema does not have.
            $vis fn groups(
                schema: &$crate::engine::Schema,
            ) -> Result<$crate::engine::Groups, $crate::engine::UnknownState> {
                let groups = $crate::engine::Groups::new();
                $(let groups = groups.group(schema, stringify!($group), Self::$group)?;)*
                let _ = schema;
                Ok(groups)
            }
        }

        impl $crate::engine::StateName for $S {
            fn state_ref(&self) -> $crate::engine::StateRef<'_> {
                let at = Self::BELOW + (*self as usize);
                $crate::engine::StateRef::Typed {
                    name: self.name(),
                    index: $crate::StateIdx(if at > 0xffff { 0xffff } else { at as u16 }),
                }
            }
        }

        impl std::convert::AsRef<str> for $S {
            fn as_ref(&self) -> &str {
                self.name()
            }
        }

        impl std::convert::From<$S> for String {
            fn from(state: $S) -> Self {
                state.name().to_owned()
            }
        }

        impl std::fmt::Display for $S {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $S {
            type Err = $crate::engine::UnknownState;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                let known = Self::ALL.iter().copied().find(|state| state.name() == name);
                known.ok_or_else(|| $crate::engine::UnknownState(name.to_owned()))
            }
        }
    };

    (@def $S:ident $($key:ident $(: $list:tt)?),* $(,)?) => {{
        let def = $crate::engine::StateDef::new();
        $(let def = $crate::states!(@prop def $S $key $($list)?);)*
        def
    }};
    (@prop $def:ident $S:ident auto) => { $def.auto() };
    (@prop $def:ident $S:ident multi) => { $def.multi() };
    (@prop $def:ident $S:ident require [$($list:tt)*]) => { $def.require($crate::states!(@names $S $($list)*)) };
    (@prop $def:ident $S:ident add [$($list:tt)*]) => { $def.add($crate::states!(@names $S $($list)*)) };
    (@prop $def:ident $S:ident remove [$($list:tt)*]) => { $def.remove($crate::states!(@names $S $($list)*)) };
    (@prop $def:ident $S:ident after [$($list:tt)*]) => { $def.after($crate::states!(@names $S $($list)*)) };
    (@prop $def:ident $S:ident tags [$($tag:literal),* $(,)?]) => { $def.tags::<&str>([$($tag),*]) };
    (@prop $def:ident $S:ident $key:ident $($rest:tt)?) => {
        compile_error!(concat!(
            "`", stringify!($key), "`: a state has `auto`, `multi`, `require: [..]`, `add: [..]`, `remove: [..]`, ",
            "`after: [..]` and `tags: [\"..\"]`",
        ))
    };
    (@names $S:ident) => { std::iter::empty::<&'static str>() };
    (@names $S:ident $($(.. $group:ident)? $($state:ident $(:: $inner:ident)*)?),*) => {
        std::iter::empty::<&'static str>()
            $(
                $(.chain($S::$group.iter().map(|state| state.name())))?
                $(.chain([$crate::states!(@name $S $state $(:: $inner)*)]))?
            )*
    };
    (@name $S:ident $state:ident) => { $S::$state.name() };
    (@name $S:ident $first:ident $(:: $inner:ident)+) => { $first $(:: $inner)+.name() };
}

#[cfg(test)]
mod tests {
    use crate::StateIdx;
    use crate::engine::schemas::{Basic, Disposed};
    use crate::engine::{Schema, SchemaDef, StateDef, StateName, UnknownState};

    crate::states! {
        /// Docs stay.
        #[repr(u8)]
        pub(crate) enum Door {
            Open { remove: [Closed], multi },
            Closed { remove: [Open], tags: ["ui:wall", "calm"], add: [], },
            Locked { auto, require: [Closed], after: [..ALL_WAYS, Exception] },
        }
        groups {
            ALL_WAYS: [Open, Closed],
            NONE: [],
        }
    }

    crate::states! {
        enum Alarm: Door, Disposed {
            Exception,
            Ringing { require: [Door::Open, Basic::Start] },
            Start { multi },
            Closed { add: [Alarm::Ringing] },
        }
    }

    crate::states! { enum Nothing {} }

    #[test]
    fn a_typed_schema_is_the_built_one() {
        let built = SchemaDef::new()
            .state("Open", StateDef::new().remove(["Closed"]).multi())
            .state(
                "Closed",
                StateDef::new()
                    .remove(["Open"])
                    .tags(["ui:wall", "calm"])
                    .add([""; 0]),
            )
            .state(
                "Locked",
                StateDef::new()
                    .auto()
                    .require(["Closed"])
                    .after(["Open", "Closed", "Exception"]),
            )
            .state("Exception", StateDef::new().multi());
        assert_eq!(Door::schema(), built);
        assert_eq!(Nothing::schema().names_sorted(), ["Exception"]);
    }

    #[test]
    fn own_states_replace_those_of_the_base() {
        let schema = Alarm::schema();
        let names: Vec<&str> = schema
            .states
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let expected =
            "Open Closed Locked Exception RegisterDisposal Disposing Disposed Ringing Start";
        assert_eq!(names.join(" "), expected);
        assert_eq!(
            schema.get("Exception"),
            Some(&StateDef::new()),
            "its own, not multi"
        );
        assert_eq!(
            schema.get("Closed"),
            Some(&StateDef::new().add(["Ringing"]))
        );
    }

    #[test]
    fn values_are_right_on_every_schema() {
        let (own, _) = Schema::parse(&Door::schema()).unwrap();
        for (at, state) in (0..).map(StateIdx).zip(Door::ALL) {
            assert_eq!(own.find(state.state_ref()), Some(at));
        }
        let def = SchemaDef::new()
            .state("Zero", StateDef::new())
            .merge(Door::schema());
        let (larger, _) = Schema::parse(&def).unwrap();
        assert_eq!(larger.find(Door::Open.state_ref()), Some(StateIdx(1)));
        let (other, _) = Schema::parse(&SchemaDef::new()).unwrap();
        assert_eq!(other.find(Door::Open.state_ref()), None);
        assert_eq!(other.find(Door::Exception.state_ref()), Some(StateIdx(0)));
    }

    #[test]
    fn names_go_both_ways() {
        for &state in Door::ALL {
            assert_eq!(state.name().parse(), Ok(state));
        }
        let unknown = "Ajar".parse::<Door>();
        assert_eq!(unknown, Err(UnknownState("Ajar".to_owned())));
        assert_eq!(format!("{:>6}{:?}", Door::Open, Door::Open), "  OpenOpen");
        let (schema, _) = Schema::parse(&Door::schema()).unwrap();
        let groups = Door::groups(&schema).unwrap();
        assert_eq!(
            groups.get("ALL_WAYS"),
            Some(&[StateIdx(0), StateIdx(1)][..])
        );
        let (other, _) = Schema::parse(&SchemaDef::new()).unwrap();
        assert!(Door::groups(&other).is_err());
    }
}
