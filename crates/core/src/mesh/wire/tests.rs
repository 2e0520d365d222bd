//! Worked examples and limits of the wire format.

use super::*;
use crate::collections::OrderedMap;

const P1: &str = "12D3KooWPZzhpv3EzKYZJMeFgvNH84H8PPycF1UmMkbf8xtm7Ntn";
const P2: &str = "12D3KooWR2idSJiCrKFgoqscXKfXJDKiLogxaVHKDnZkzpuPnK5b";

fn peer(text: &str) -> PeerId {
    text.parse().unwrap()
}

/// Hex with the two peer ids as `<P1>` and `<P2>`, spaces ignored.
fn bytes(pattern: &str) -> Vec<u8> {
    let text_of = |id: &str| {
        let hex: String = id.bytes().map(|byte| format!("{byte:02x}")).collect();
        format!("d934{hex}")
    };
    let hex = pattern
        .replace("<P1>", &text_of(P1))
        .replace("<P2>", &text_of(P2));
    let digits: Vec<u8> = hex
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let pair = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(pair).collect()
}

fn of<T>(id: &str, index: u64, value: T) -> Option<PerPeer<T>> {
    Some([(peer(id), Some([(MachineIdx(index), value)].into()))].into())
}

/// Decodes to the message, and comes out again byte for byte.
fn check(pattern: &str, dialect: Dialect, message: Message) {
    let payload = bytes(pattern);
    let envelope = Envelope::from(message);
    assert_eq!(decode(&payload).as_ref(), Ok(&envelope));
    assert_eq!(encode(&envelope, dialect), payload, "{dialect:?}");
}

fn refused(pattern: &str) -> &'static str {
    decode(&bytes(pattern)).unwrap_err().0
}

#[test]
fn updates_in_both_dialects() {
    let message = || Message::Updates {
        clocks: of(P1, 0, vec![1, 0, 3]),
    };
    check(
        "82 a454797065 a775706461746573 aa50656572436c6f636b73 81 <P1> 81 00
         93 cf0000000000000001 cf0000000000000000 cf0000000000000003",
        Dialect::V5,
        message(),
    );
    check(
        "82 a454797065 a775706461746573 aa50656572436c6f636b73 81 <P1> 81 d30000000000000000
         93 cf0000000000000001 cf0000000000000000 cf0000000000000003",
        Dialect::V4,
        message(),
    );
    check(
        "82 a454797065 a775706461746573 aa50656572436c6f636b73 81 <P1> 81 00 93 01 00 03",
        Dialect::Compact,
        message(),
    );
}

#[test]
fn gossip_in_both_dialects() {
    let message = || Message::Gossip { sums: of(P1, 0, 4) };
    check(
        "82a454797065a6676f73736970ab50656572476f737369707381 <P1> 8100cf0000000000000004",
        Dialect::V5,
        message(),
    );
    check(
        "82a454797065a6676f73736970ab50656572476f737369707381 <P1> 81d30000000000000000cf0000000000000004",
        Dialect::V4,
        message(),
    );
}

#[test]
fn requests_and_bye() {
    check(
        "82a454797065a7726571696e666fa75065657249647392 <P1> <P2>",
        Dialect::V5,
        Message::ReqInfo {
            ids: Some(vec![peer(P1), peer(P2)]),
        },
    );
    check(
        "82a454797065aa72657175706461746573a75065657249647391 <P1>",
        Dialect::V5,
        Message::ReqUpdates {
            ids: Some(vec![peer(P1)]),
        },
    );
    let bye = Bye {
        leaving: false,
        id: "m".to_owned(),
        clock: Some(vec![2]),
    };
    check(
        "82a454797065a3627965a54d61636873810083a750656572427965c2a24964a16da54d54696d6591cf0000000000000002",
        Dialect::V5,
        Message::Bye {
            machines: Some([(MachineIdx(0), bye)].into()),
        },
    );
}

#[test]
fn info_with_a_machine_without_one_and_without_schema() {
    let state = StateDef::new().multi().require(["B"]);
    let info = Info {
        id: "m".to_owned(),
        schema: Some([("A".to_owned(), state)].into()),
        states: Some(vec!["A".to_owned()]),
        clock: Some(vec![1]),
        tags: Some(vec!["t:1".to_owned()]),
        ..Info::default()
    };
    check(
        "83 a454797065 a4696e666f a850656572496e666f 81 <P1> 81 00
         86 a24964 a16d a6536368656d61 81 a141
            87 a44175746f c2 a54d756c7469 c3 a752657175697265 91a142
               a3416464 c0 a652656d6f7665 c0 a54166746572 c0 a454616773 c0
         a6537461746573 91a141 a54d54696d65 91cf0000000000000001 a454616773 91a3743a31 a6506172656e74 a0
         ab50656572476f7373697073 80",
        Dialect::V5,
        Message::Info {
            peers: of(P1, 0, info.clone()),
            sums: Some(OrderedMap::new()),
        },
    );
    // Ours leave out what a state does not say.
    check(
        "83 a454797065 a4696e666f a850656572496e666f 81 <P1> 81 00
         86 a24964 a16d a6536368656d61 81 a141 82 a54d756c7469 c3 a752657175697265 91a142
         a6537461746573 91a141 a54d54696d65 9101 a454616773 91a3743a31 a6506172656e74 a0
         ab50656572476f7373697073 80",
        Dialect::Compact,
        Message::Info {
            peers: of(P1, 0, info),
            sums: Some(OrderedMap::new()),
        },
    );
    check(
        "83a454797065a4696e666fa850656572496e666f81 <P1> 80ab50656572476f737369707380",
        Dialect::V5,
        Message::Info {
            peers: Some([(peer(P1), Some(OrderedMap::new()))].into()),
            sums: Some(OrderedMap::new()),
        },
    );
    let load_test = Info {
        id: "m".to_owned(),
        clock: Some(vec![0, 0, 0]),
        ..Info::default()
    };
    assert!(load_test.check().is_err());
    check(
        "83a454797065a4696e666fa850656572496e666f81 <P1> 810086a24964a16da6536368656d61c0a6537461746573c0a54d54696d6593
         cf0000000000000000cf0000000000000000cf0000000000000000a454616773c0a6506172656e74a0ab50656572476f737369707380",
        Dialect::V5,
        Message::Info {
            peers: of(P1, 0, load_test),
            sums: Some(OrderedMap::new()),
        },
    );
}

#[test]
fn addresses_are_bounded_in_number_and_length() {
    let said = |addresses: Vec<String>| {
        let body = Message::Info {
            peers: None,
            sums: None,
        };
        let extension = Extension {
            addresses: Some(addresses),
            ..Extension::default()
        };
        let payload = encode(&Envelope { body, extension }, Dialect::Compact);
        let decoded = decode(&payload).expect("no fault");
        decoded.extension.addresses.expect("was said")
    };
    assert_eq!(said(Vec::new()), Vec::<String>::new());
    let nine: Vec<String> = (1..=9)
        .map(|port| format!("/ip4/10.0.0.1/tcp/{port}"))
        .collect();
    assert_eq!(said(nine.clone()), nine[..MAX_ADDRESSES]);
    let (longest, longer) = ("x".repeat(MAX_ADDRESS), "x".repeat(MAX_ADDRESS + 1));
    assert_eq!(said(vec![longer, longest.clone()]), [longest]);
}

#[test]
fn extra_keys_survive_and_follow_go_keys() {
    let envelope = Envelope {
        body: Message::Updates {
            clocks: of(P1, 300, vec![1 << 40, 70_000, 300, 200]),
        },
        extension: Extension {
            version: Some(1),
            run: Some(1 << 28),
            heartbeat_ms: Some(5000),
            partial: true,
            wall_ms: Some(1_780_000_000_123),
            links: Some(Links {
                count: 2,
                complete: true,
                open: vec![Link {
                    end: peer(P1).into(),
                    transport: Transport::WebRtc,
                    rtt_ms: 300,
                }],
                closed: vec![peer(P2).into()],
            }),
            digests: of(P2, 3, 9),
            ticks: Some(
                [(
                    MachineIdx(3),
                    Ticks {
                        machine: 1,
                        queue: 400,
                    },
                )]
                .into(),
            ),
            sums: of(P2, 7, u64::MAX),
            about: None,
            addresses: None,
        },
    };
    for dialect in [Dialect::Compact, Dialect::V5, Dialect::V4] {
        let payload = encode(&envelope, dialect);
        assert_eq!(decode(&payload).as_ref(), Ok(&envelope));
        let mut plain = Envelope::from(envelope.body.clone());
        plain.extension = Extension::default();
        let go = encode(&plain, dialect);
        assert_eq!(
            payload[1..go.len()],
            go[1..],
            "Go's keys come first, unchanged"
        );
    }
}

/// An `updates` of one machine at index 3, with more keys behind its clocks.
fn updates(keys: u8, more: &str) -> String {
    format!(
        "{:02x} a454797065 a775706461746573 aa50656572436c6f636b73 81 <P1> 81 03 93 01 00 03 {more}",
        0x82 + keys
    )
}

#[test]
fn what_nearly_every_update_says_is_one_key() {
    let ticks = |queue| Ticks { machine: 1, queue };
    let envelope = |ticks: Option<OrderedMap<MachineIdx, Ticks>>, heartbeat_ms| Envelope {
        body: Message::Updates {
            clocks: of(P1, 3, vec![1, 0, 3]),
        },
        extension: Extension {
            version: Some(1),
            run: Some(2),
            wall_ms: Some(1_577_836_800_007),
            heartbeat_ms,
            ticks,
            ..Extension::default()
        },
    };
    let listed = Some([(MachineIdx(3), ticks(9))].into());
    let others = Some([(MachineIdx(4), ticks(9))].into());
    for (envelope, pattern) in [
        // [1, 2, 5 ms after run 2 began, a heartbeat every 7 ms, ticks 1 and 9 of the machine listed]
        (
            envelope(listed, Some(7)),
            updates(1, "a158 96 01 02 05 07 01 09"),
        ),
        (envelope(None, None), updates(1, "a158 94 01 02 05 c0")),
        // Other machines are named.
        (
            envelope(others, None),
            updates(2, "a158 94 01 02 05 c0 a55469636b73 81 04 92 01 09"),
        ),
    ] {
        let payload = bytes(&pattern);
        assert_eq!(decode(&payload).as_ref(), Ok(&envelope), "{pattern}");
        assert_eq!(encode(&envelope, Dialect::Compact), payload, "{pattern}");
    }
}

#[test]
fn a_clock_before_its_run_is_said_in_full() {
    let envelope = Envelope {
        body: Message::Updates {
            clocks: of(P1, 3, vec![1]),
        },
        extension: Extension {
            version: Some(1),
            run: Some(50_000),
            wall_ms: Some(1_577_836_800_000),
            ..Extension::default()
        },
    };
    assert_eq!(
        decode(&encode(&envelope, Dialect::Compact)).as_ref(),
        Ok(&envelope)
    );
}

#[test]
fn what_updates_say_in_one_key_is_said_once_and_of_listed_machines() {
    for (keys, more, problem) in [
        (
            1,
            "a158 98 01 02 05 07 01 09 01 09",
            "ticks of machines that are not listed",
        ),
        (
            1,
            "a158 95 01 02 05 07 01",
            "ticks of machines that are not listed",
        ),
        (1, "a158 93 01 02 05", "wrong type"),
        (1, "a158 c0", "wrong type"),
        (1, "a158 94 01 c0 05 07", "wrong type"),
        (1, "a158 dd7fffffff 01 02 05 07", "incomplete"),
        (2, "a2536d 01 a158 94 01 02 05 07", "duplicate key"),
        (2, "a158 94 01 02 05 07 a352756e 02", "duplicate key"),
        (
            2,
            "a158 96 01 02 05 07 01 09 a55469636b73 81 03 92 01 09",
            "duplicate key",
        ),
        (
            2,
            "a158 94 01 02 05 07 a158 94 01 02 05 07",
            "duplicate key",
        ),
    ] {
        assert_eq!(refused(&updates(keys, more)), problem, "{more}");
    }
    let far = bytes(&updates(
        1,
        "a158 94 01 cfffffffffffffffff cfffffffffffffffff 07",
    ));
    let wall_ms = decode(&far).map(|envelope| envelope.extension.wall_ms);
    assert!(wall_ms.is_ok_and(|it| it == Some(u64::MAX)));
}

#[test]
fn every_header_form_is_written_as_short_as_go_does() {
    for len in [0, 1, 15, 16, 31, 32, 255, 256, 4096] {
        let text = "x".repeat(len);
        let info = Info {
            id: text.clone(),
            states: Some(
                (0..len.min(2000))
                    .map(|state| format!("S{state}"))
                    .collect(),
            ),
            clock: Some(vec![127; len.min(2000)]),
            tags: Some(vec![text; len.min(200)]),
            ..Info::default()
        };
        let envelope = Envelope::from(Message::Info {
            peers: of(P1, 0, info),
            sums: None,
        });
        assert_eq!(decode(&encode(&envelope, Dialect::V5)), Ok(envelope));
    }
}

#[test]
fn limits_refuse_what_is_above() {
    let head = "82a454797065a7726571696e666fa750656572496473";
    let ids = |count: usize| format!("{head} dc{count:04x}{}", " <P1>".repeat(count));
    assert!(decode(&bytes(&ids(MAX_PEERS_PER_MESSAGE))).is_ok());
    assert_eq!(refused(&ids(MAX_PEERS_PER_MESSAGE + 1)), "too many entries");

    let clock = |states: usize| {
        encode(
            &Message::Updates {
                clocks: of(P1, 0, vec![0; states]),
            }
            .into(),
            Dialect::Compact,
        )
    };
    assert!(decode(&clock(MAX_STATES)).is_ok());
    assert_eq!(
        decode(&clock(MAX_STATES + 1)),
        Err(DecodeError("too many states"))
    );

    let machines = |count: u64| {
        let sums = (0..count).map(|index| (MachineIdx(index), 1)).collect();
        let sums = Some([(peer(P1), Some(sums))].into());
        encode(&Message::Gossip { sums }.into(), Dialect::Compact)
    };
    let most = MAX_MACHINES_PER_PEER as u64;
    assert!(decode(&machines(most)).is_ok());
    assert_eq!(
        decode(&machines(most + 1)),
        Err(DecodeError("too many machines"))
    );

    let tick = |tick: u64| {
        let clocks = of(P1, 0, vec![tick]);
        encode(&Message::Updates { clocks }.into(), Dialect::V4)
    };
    assert!(decode(&tick(MAX_TICK)).is_ok());
    assert_eq!(
        decode(&tick(MAX_TICK + 1)),
        Err(DecodeError("implausible tick"))
    );
}

#[test]
fn nesting_is_bounded_without_recursion() {
    let nested = |depth: usize| {
        let mut payload = bytes("82a454797065a7726571696e666fa158");
        payload.extend(std::iter::repeat_n(0x91, depth));
        payload.push(0xc0);
        decode(&payload)
    };
    assert!(nested(MAX_NESTING).is_ok());
    assert_eq!(nested(MAX_NESTING + 1), Err(DecodeError("nested too deep")));
    assert_eq!(nested(1_000_000), Err(DecodeError("nested too deep")));
}

/// Every single byte changed, every truncation: an answer, never a panic.
#[test]
fn mutated_messages_never_panic() {
    let info = Info {
        id: "m".to_owned(),
        schema: Some([("A".to_owned(), StateDef::new().require(["A"]))].into()),
        states: Some(vec!["A".to_owned()]),
        clock: Some(vec![1]),
        ..Info::default()
    };
    let payload = encode(
        &Message::Info {
            peers: of(P1, 0, info),
            sums: of(P2, 0, 1),
        }
        .into(),
        Dialect::V4,
    );
    let mut accepted = 0;
    for position in 0..payload.len() {
        assert!(decode(&payload[..position]).is_err());
        for byte in 0..=255 {
            let mut mutated = payload.clone();
            mutated[position] = byte;
            accepted += usize::from(decode(&mutated).is_ok());
        }
    }
    // The original itself at every position, and other texts, ticks and indexes.
    assert!(accepted > payload.len());
}

#[test]
fn names_are_bounded() {
    let introduced = |len: usize| {
        let info = Info {
            id: "x".repeat(len),
            ..Info::default()
        };
        let envelope = Envelope::from(Message::Info {
            peers: of(P1, 0, info),
            sums: None,
        });
        decode(&encode(&envelope, Dialect::V5)).map(|_| ())
    };
    assert_eq!(introduced(10_240), Ok(()));
    assert_eq!(introduced(MAX_TEXT), Ok(()));
    assert_eq!(introduced(MAX_TEXT + 1), Err(DecodeError("text too long")));
}
