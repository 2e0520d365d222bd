//! How the program ends: 0 when stopped, 1 when something failed, 2 for wrong usage, always with a sentence that says
//! what to do.

#![allow(clippy::unwrap_used)] // Test code, though not inside a #[test].

mod common;

use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use common::{Relay, Running, Scratch, relay_command, statemesh, watch_json};

/// Exit code and standard error.
fn failed(command: &mut Command) -> (i32, String) {
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), error)
}

#[test]
fn wrong_usage_is_2() {
    for args in [
        &["--nonsense"][..],
        &["relay", "--topic", "two words"],
        &["relay", "--connect", "127.0.0.1:8701"],
        &["watch"],
        &["watch", "--connect", "/ip4/127.0.0.1"],
        &["fly"],
    ] {
        let (code, error) = failed(statemesh().args(args));
        assert_eq!(code, 2, "{args:?}: {error}");
        assert!(error.starts_with("error: "), "{args:?}: {error}");
    }
}

#[test]
fn a_taken_port_is_1() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let http = tcp.local_addr().unwrap().to_string();
    let tcp_address = format!("/ip4/127.0.0.1/tcp/{}", tcp.local_addr().unwrap().port());
    let port = udp.local_addr().unwrap().port();
    let quic = format!("/ip4/127.0.0.1/udp/{port}/quic-v1");
    let webrtc = format!("/ip4/127.0.0.1/udp/{port}/webrtc-direct");
    for (flag, value, advice) in [
        ("--http", &http, "choose another one with --http"),
        ("--listen", &tcp_address, "choose others with --listen"),
        ("--listen", &quic, "choose others with --listen"),
        ("--listen", &webrtc, "choose others with --listen"),
    ] {
        let data = Scratch::new();
        let mut command = statemesh();
        command.args(["--log", "error", "--data-dir"]).arg(&data.0);
        if flag == "--listen" {
            command.args(["--http", "127.0.0.1:0"]);
        } else {
            command.args(["--listen", "/ip4/127.0.0.1/tcp/0"]);
        }
        let (code, error) = failed(command.args([flag, value]));
        assert_eq!(code, 1, "{value}: {error}");
        assert!(error.contains(value.as_str()), "{value}: {error}");
        assert!(error.contains(advice), "{value}: {error}");
        assert_eq!(error.lines().count(), 1, "{value}: {error}");
        assert_eq!(error.matches(value.as_str()).count(), 1, "{value}: {error}");
    }
}

#[test]
fn a_key_that_cannot_be_used_is_1() {
    let data = Scratch::new();
    std::fs::write(data.0.join("relay.key"), "no key at all").unwrap();
    let (code, error) = failed(&mut relay_command(&data.0, &[]));
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("relay.key"), "{error}");

    let data = Scratch::new();
    std::fs::create_dir(data.0.join("relay.key")).unwrap();
    let (code, error) = failed(&mut relay_command(&data.0, &[]));
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("relay.key"), "{error}");
}

#[test]
fn the_key_is_private_and_the_folder_has_one_relay() {
    let relay = Relay::start(&[]);
    let key = std::fs::metadata(relay.data.0.join("relay.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    let (code, error) = failed(&mut relay_command(&relay.data.0, &[]));
    assert_eq!(code, 1, "{error}");
    assert!(error.contains("--data-dir"), "{error}");
}

#[test]
fn signals_end_it_with_0_in_time() {
    for signal in ["TERM", "INT"] {
        let mut relay = Relay::start(&[]);
        let mut watch = watch_json(&[&relay.page()], &[]);
        watch.wait_for("machine", |line| line.contains("\"machine\""));
        for process in [&mut watch, &mut relay.process] {
            process.signal(signal);
            let (status, took) = process.ended();
            assert_eq!(status.code(), Some(0), "{signal}");
            assert!(took < Duration::from_secs(2), "{signal}: {took:?}");
        }
    }
}

#[test]
fn watch_without_a_connection_is_1_after_10_s() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!(
            "/ip4/127.0.0.1/tcp/{}",
            listener.local_addr().unwrap().port()
        )
    };
    let begin = Instant::now();
    let (code, error) = failed(statemesh().args(["watch", "--log", "error", "--connect", &nobody]));
    assert_eq!(code, 1, "{error}");
    assert!(
        error.contains(&nobody) && error.contains("relay runs"),
        "{error}"
    );
    assert_eq!(error.lines().count(), 1, "{error}");
    let took = begin.elapsed();
    assert!(
        took > Duration::from_secs(9) && took < Duration::from_secs(30),
        "{took:?}"
    );
}

#[test]
fn a_connection_is_tried_again() {
    let late = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let page = format!("http://{late}");
    let early = Relay::start(&["--connect", &page]);
    let relay = Relay::start(&["--http", &late]);
    let mut watch = watch_json(&[&relay.page()], &[]);
    watch.wait_for("machine of the one that came first", |line| {
        common::is_event(line, "machine", &early.peer)
    });
}

#[test]
fn ready_lines_are_as_scripts_read_them() {
    let data = Scratch::new();
    let listen: Vec<_> = ["udp/0/quic-v1", "tcp/0", "udp/0/webrtc-direct"]
        .iter()
        .flat_map(|end| ["--listen".to_owned(), format!("/ip4/127.0.0.1/{end}")])
        .collect();
    let listen: Vec<_> = listen.iter().map(String::as_str).collect();
    let mut process = Running::start(&mut relay_command(&data.0, &listen));
    let page = process.wait_for("page", |line| line.starts_with("page: "));
    assert!(
        page.starts_with("page: http://127.0.0.1:") && page.ends_with('/'),
        "{page}"
    );
    let lines = &process.seen;
    assert!(
        lines[0].starts_with("ready: topic mesh, peer 12D3KooW"),
        "{lines:#?}"
    );
    let peer = lines[0].rsplit(' ').next().unwrap();
    let addresses = &lines[1..lines.len() - 1];
    for part in [
        "/quic-v1/p2p/",
        "/tcp/",
        "/ws/p2p/",
        "/webrtc-direct/certhash/",
    ] {
        assert!(
            addresses.iter().any(|line| line.contains(part)),
            "{part}: {lines:#?}"
        );
    }
    for address in addresses {
        assert!(address.starts_with("  /ip4/127.0.0.1/"), "{address}");
        assert!(address.ends_with(&format!("/p2p/{peer}")), "{address}");
        assert!(!address.contains("/0/"), "{address}");
    }
}

#[test]
fn the_doctor_names_what_works_and_what_does_not() {
    let dead = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("/ip4/127.0.0.1/tcp/{}", dead.local_addr().unwrap().port());
    drop(dead);
    let listen = ["udp/0/quic-v1", "tcp/0", "udp/0/webrtc-direct"];
    let listen = listen.map(|end| format!("/ip4/127.0.0.1/{end}"));
    let mut args: Vec<&str> = listen.iter().flat_map(|at| ["--listen", at]).collect();
    let doctor = |target: &str| {
        let output = statemesh().args(["doctor", target]).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let code = output.status.code().unwrap();
        (code, text(output.stdout), text(output.stderr))
    };

    let relay = Relay::start(&args);
    let (code, out, error) = doctor(&relay.page());
    // A native peer cannot dial WebRTC-direct: that is for browsers, and it is said.
    for carrier in ["page", "quic", "tcp", "ws"] {
        let works = |line: &str| line.starts_with("ok") && line.contains(&format!(" {carrier} "));
        assert!(out.lines().any(works), "{carrier}: {out}{error}");
    }
    assert_eq!(code, i32::from(out.contains("FAIL")), "{out}{error}");
    drop(relay);

    args.extend(["--announce", &nobody]);
    let relay = Relay::start(&args);
    let (code, out, error) = doctor(&relay.page());
    let fails = |line: &str| line.starts_with("FAIL") && line.contains(&nobody);
    assert!(out.lines().any(fails), "{out}{error}");
    assert!(
        code == 1 && error.contains("do not work from here"),
        "{error}"
    );
    let page = relay.page();
    drop(relay);

    let (code, out, error) = doctor(&nobody);
    assert!(
        code == 1 && out.starts_with("FAIL") && error.contains("no address works"),
        "{out}{error}"
    );
    let (code, out, error) = doctor(&page);
    assert!(
        code == 1 && out.is_empty() && error.contains("does not answer"),
        "{out}{error}"
    );
}

#[test]
fn going_public_is_said() {
    let data = Scratch::new();
    let mut command = statemesh();
    command
        .args([
            "--http",
            "0.0.0.0:0",
            "--listen",
            "/ip4/127.0.0.1/tcp/0",
            "--log",
            "error",
            "--data-dir",
        ])
        .arg(&data.0)
        .stderr(std::process::Stdio::piped());
    let mut process = Running::start(&mut command);
    let page = process.wait_for("page", |line| line.starts_with("page: "));
    assert!(page.starts_with("page: http://127.0.0.1:"), "{page}");
    process.signal("TERM");
    process.ended();
    let error = process.errors();
    assert!(error.contains("can join `mesh` and publish"), "{error}");
}
