//! The command `why` at the steps in which a congestion window becomes smaller.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use smolstep::lab::scenarios::SCENARIOS;
use smolstep::lab::session::LabSession;

use super::{ok, opened, trace};

/// Returns the answer of `why` at each entry of run `a` with a smaller congestion window than before, with the numbers in
/// bytes. The handshake does not count, because it only replaces a window by another.
fn reductions(session: &mut LabSession) -> Vec<(u64, u64, Value)> {
    let mut windows = BTreeMap::new();
    let mut found = Vec::new();
    for entry in trace(session, "a") {
        for host in ["client", "server"] {
            let Some(now) = entry[format!("{host}_holds")]["cwnd"].as_u64() else { continue };
            let before = windows.insert((host, entry["lane"].as_u64()), now).unwrap_or(0);
            let is_handshake = entry["event"] == "arrived" && entry["flags"].as_str().unwrap_or("").contains("SYN");
            if now < before && !is_handshake {
                let why = ok(session, json!({"do": "why", "run": "a", "entry": entry["i"]}));
                found.push((before, now, why));
            }
        }
    }
    found
}

fn grouped(number: u64) -> String {
    if number < 1000 { number.to_string() } else { format!("{},{:03}", grouped(number / 1000), number % 1000) }
}

/// Checks that each reduction of run `a` is explained with its numbers. Returns the sections that explain them.
fn explained(session: &mut LabSession, lang: &str) -> Vec<String> {
    let mut sections = Vec::new();
    for (from, to, why) in reductions(session) {
        let [from, to] = [from, to].map(grouped);
        let numbers = match lang {
            "en" => format!("cwnd falls from {from} to {to} bytes"),
            _ => format!("cwnd 从 {from} 字节降为 {to} 字节"),
        };
        assert!(why["text"].as_str().unwrap().contains(&numbers), "{numbers}: {why}");
        sections.push(why["rfc"].as_str().unwrap_or_default().into());
    }
    sections
}

#[test]
fn every_reduction_is_explained_with_its_numbers() {
    let mut count = 0;
    for scenario in SCENARIOS {
        for lang in ["en", "zh"] {
            let mut session = LabSession::new();
            ok(&mut session, json!({"do": "new", "scenario": scenario.slug, "lang": lang}));
            count += explained(&mut session, lang).len();
        }
    }
    assert!(count > 20, "{count}");
}

/// On a wire with losses, retransmissions are lost too: by later data, some of them are found when an ACK arrives.
#[test]
fn every_reduction_on_a_bad_wire_is_explained() {
    let mut sections = Vec::new();
    for seed in 0..30 {
        let mut session = LabSession::new();
        let settings = json!({"loss_percent": 20});
        ok(&mut session, json!({"do": "new", "scenario": "slow-start", "settings": settings, "seed": seed}));
        sections.extend(explained(&mut session, "en"));
    }
    for rfc in ["RFC 6675 section 5", "RFC 6298 section 5", "RFC 8985 section 6.2", "RFC 5681 section 4.3"] {
        assert!(sections.iter().any(|section| section == rfc), "{rfc}: {sections:?}");
    }
}

/// Checks that a run has a reduction that is explained by a section of an RFC, in words that contain all `parts`.
#[track_caller]
fn has(session: &mut LabSession, rfc: &str, parts: &[&str]) {
    let found = reductions(session);
    let fits = |(.., why): &(u64, u64, Value)| {
        let text = why["text"].as_str().unwrap();
        why["rfc"] == rfc && parts.iter().all(|part| text.contains(part))
    };
    assert!(found.iter().any(fits), "{parts:?}: {found:#?}");
}

#[test]
fn each_reason_of_a_reduction_is_named() {
    let mut session = opened("recovery-and-timeout");
    has(&mut session, "RFC 6675 section 5", &["SACK blocks of this ACK", "Reno keeps half"]);
    has(
        &mut session,
        "RFC 6298 section 5",
        &["timer expired", "to 1,460 bytes, which is one segment", "up to ssthresh"],
    );
    let mut session = opened("fast-retransmit");
    has(&mut session, "RFC 6675 section 5", &["SACK blocks of this ACK", "0.7 of the part", "RFC 9438 section 4.6"]);
    has(&mut opened("lost-syn"), "RFC 6298 section 2", &["after a lost SYN", "RFC 5681 section 3.1"]);
    let lost_again = |seed: u64| {
        let mut session = LabSession::new();
        let settings = json!({"loss_percent": 20, "congestion": "reno"});
        ok(&mut session, json!({"do": "new", "scenario": "slow-start", "settings": settings, "seed": seed}));
        reductions(&mut session).into_iter().any(|(.., why)| {
            let text = why["text"].as_str().unwrap();
            why["rfc"] == "RFC 8985 section 6.2"
                && text.contains("that retransmission was lost too")
                && text.contains("Reno keeps half")
        })
    };
    assert!((0..30).any(lost_again), "no seed below 30 loses a retransmission");
    // After the idle time, FIN leaves with the initial window for the segments of the path.
    let mut session = opened("path-mtu");
    let idle = |(.., why): &(u64, u64, Value)| why["text"].as_str().unwrap().contains("RFC 5681 section 4.1");
    assert!(reductions(&mut session).iter().any(idle));
}

/// A forged SYN,ACK without options arrives before the real one, so the client counts duplicate ACKs instead of SACK blocks.
#[test]
fn the_third_duplicate_ack_is_named() {
    let file = "network latency 100ms\nhosts congestion reno buffer 65535\nserver listens 7000\n  read to end\n  close\n\
                client calls 7000\n  send 14600 bytes\n  close\nfault delay 100ms server synack 1\n\
                at 350ms inject server S. 0:0(0) ack 1 win 65535\nfault drop client data 1\n";
    let mut session = LabSession::new();
    ok(&mut session, json!({"do": "new", "lab": file}));
    let parts = ["The third duplicate ACK", "cwnd falls from 14,600 to 7,300 bytes", "Reno keeps half"];
    has(&mut session, "RFC 5681 section 3.2", &parts);
}

/// The ACK that ends an idle time shows no loss, although the window becomes smaller when it arrives.
#[test]
fn an_ack_after_an_idle_time_is_not_explained_by_a_loss() {
    let file = "hosts buffer 65535\nserver listens 7000\n  send 40000 bytes\n  wait until 10s\n  send 1000 bytes\n  close\n\
                client calls 7000\n  wait until 5s\n  read to end\n  close\n";
    let mut session = LabSession::new();
    ok(&mut session, json!({"do": "new", "lab": file}));
    let found = reductions(&mut session);
    assert!(!found.is_empty());
    for (.., why) in found {
        let text = why["text"].as_str().unwrap();
        assert!(text.contains("RFC 5681 section 4.1") && !text.contains("lost"), "{why}");
    }
}

/// The ACK that ends a recovery also shows the next loss. No retransmission was lost.
#[test]
fn a_recovery_that_follows_another_is_not_explained_by_a_lost_retransmission() {
    let file = "network latency 5ms\nhosts buffer 65535\nserver listens 7000\n  read to end\n  close\n\
                client calls 7000\n  send 60000 bytes\n  close\n\
                fault drop client data 2\nfault delay 3ms client data 13\nfault drop client data 14\n";
    let mut session = LabSession::new();
    ok(&mut session, json!({"do": "new", "lab": file}));
    let found = reductions(&mut session);
    assert!(found.len() >= 2, "{found:?}");
    for (.., why) in &found[..2] {
        assert!(why["text"].as_str().unwrap().contains("SACK blocks of this ACK"), "{why}");
    }
}
