//! A member's whole life: links, neighbours, own machines, and messages of several authors over several forwarders, true,
//! forged, replayed and broken.
#![no_main]

use libfuzzer_sys::fuzz_target;
use statemesh_fuzz::{Life, MemberDriver};

fuzz_target!(|life: Life| MemberDriver::new().run(life.steps));
