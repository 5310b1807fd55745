//! Compares the exact lines of entries.

use std::string::String;

use super::*;
use crate::lab::show::ladder::tests::{sent, snapshot};

fn line(what: What) -> String {
    let mut out = String::new();
    write_json(&mut out, &snapshot(1, what)).unwrap();
    out
}

#[test]
fn a_frame_sent_again() {
    let cause = Cause::Retransmission { rto: smoltcp::time::Duration::from_micros(1_000_500), count: 2 };
    assert_eq!(
        line(sent(Some(cause), Verdict::Drop)),
        concat!(
            r#"{"v":1,"step":12,"t_us":1002003,"host":"server","phase":"egress","event":"sent","frame":5,"frame_len":58,"#,
            r#""protocol":"TCP","src":"192.168.69.1:9999","dst":"192.168.69.2:50000","flags":"SYN,ACK","seq":7000,"#,
            r#""rel_seq":0,"ack":501,"rel_ack":1,"len":0,"win":4096,"win_scale":0,"mss":1460,"#,
            r#""reason":"retransmission","rto_ms":1000.500,"count":2,"fate":"dropped","#,
            r#""client":"SYN-SENT","server":"SYN-RECEIVED","rfc":"RFC 6298 section 5"}"#,
            "\n"
        )
    );
}

#[test]
fn the_clock_is_everybodys() {
    let expected = r#"{"v":1,"step":12,"t_us":1002003,"host":"all","phase":"clock","event":"clock","client":"SYN-SENT","server":"SYN-RECEIVED"}"#;
    assert_eq!(line(What::Clock).trim_end(), expected);
}
