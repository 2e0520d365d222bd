//! States of the sample's machines.

use statemesh::states;

states! {
    /// The desk: open orders, and whether somebody carries them.
    pub(super) enum Orders {
        Exception { multi },
        Start,
        Ready { auto, require: [Start, CourierOk] },
        Open { multi, require: [Start] },
        Packed { require: [Open] },
        Delivered { multi, require: [Start] },
        CourierOk { require: [Start], remove: [CourierLost] },
        CourierLost { require: [Start], remove: [CourierOk] },
    }
}

states! {
    /// The courier.
    pub(super) enum Courier {
        Exception { multi },
        Start,
        Ready { auto, require: [Start, RouteOk] },
        Idle { auto, require: [Start], remove: [Loading, Driving, AtStop] },
        Assigned { require: [Start], remove: [Idle] },
        Loading { require: [Assigned], remove: [Driving, AtStop] },
        Driving { require: [Assigned, RouteOk], remove: [AtStop, Loading] },
        AtStop { require: [Assigned], remove: [Driving, Loading] },
        Delivered { multi, require: [AtStop] },
        Waiting { require: [Start], remove: [Driving] },
        RouteOk { remove: [RouteLost] },
        RouteLost { add: [Waiting], remove: [RouteOk] },
        RerouteAsked { auto, require: [RouteLost], after: [Waiting] },
    }
}

states! {
    /// His navigation.
    pub(super) enum Route {
        Exception { multi },
        ErrNetwork { multi, add: [Exception], require: [Exception], remove: [Ready, OnRoute] },
        Start,
        Ready { auto, require: [Start, GpsFix] },
        GpsFix { auto, require: [Start] },
        OnRoute { require: [Start], remove: [OffRoute] },
        OffRoute { require: [Start], remove: [OnRoute] },
        Located { multi, require: [GpsFix] },
        Retrying { require: [ErrNetwork] },
    }
}
