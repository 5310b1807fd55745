//! Tests that an error names the wrong word of a line and its column.

use super::*;

fn seconds(word: &str) -> Option<Duration> {
    word.strip_suffix('s')?.parse().ok().map(Duration::from_secs)
}

fn error(text: &str) -> String {
    Expectations::parse(text, seconds).expect_err("should be refused").to_string()
}

#[test]
fn lines_are_read() {
    let text = "# a comment\n\nclient SYN-SENT -> ESTABLISHED # handshake\nserver retransmits synack 1 within 3s\n\
                client receives \"Hello, \\\"Li\\\"! # no comment\"\nnever client RST\nclient sends keep-alive 2\n\
                server drops backlog-full\nclient ends timed-out\nserver icmp\nclient sends any within 1s\n\
                server gets out-of-order\nclient sends challenge-ack within 3rtt+2s\n\
                client sends data within 1.5rtt\n";
    assert_eq!(Expectations::parse(text, seconds).map(|all| all.lines.len()), Ok(12));
}

#[test]
fn the_wrong_word_is_named() {
    for (text, word) in [
        ("\nclient SYN-SEND -> ESTABLISHED", "2:8: 'SYN-SEND' should be a TCP state"),
        ("client SYN-SENT -> ESTABLISHT", "'ESTABLISHT' should be a TCP state"),
        ("client SYN-SENT ESTABLISHED", "'ESTABLISHED' should be ->"),
        ("client SYN-SENT", "a word is missing at the end: ->"),
        ("klient RST", "'klient' should be client, server, wire or never"),
        ("never", "a word is missing at the end: client, server or wire"),
        ("client rsst", "'rsst' should be a TCP state, sends"),
        ("client retransmits keep-alive", "'keep-alive' should be syn, synack, ack, data, fin, rst, udp, icmp or any"),
        ("client sends data 0", "'0' should be a number"),
        ("client sends data 1 within soon", "'soon' should be a time"),
        ("client sends data 1 within 2rtt+soon", "'2rtt+soon' should be a time"),
        ("client sends data 1 within 9999rtt", "'9999rtt' should be a time"),
        ("client gets lost", "'lost' should be out-of-order"),
        ("client receives Hello", "'Hello' should be a text in quotation marks"),
        ("client receives \"Hello", "should be a text in quotation marks"),
        ("client receives \"\\x\"", "no other escapes"),
        ("client receives \"\"", "one byte or more"),
        ("client ends well", "'well' should be closed"),
        ("server drops everything", "'everything' should be backlog-full"),
        ("client RST 1 2", "'2' should be the end of the line"),
    ] {
        assert!(error(text).contains(word), "{text}: {}", error(text));
    }
}

/// Columns count characters. If the wrong word occurs earlier in the line too, the error names the later column.
#[test]
fn the_column_of_the_wrong_word_is_named() {
    for (text, start) in [
        ("klient RST", "1:1: 'klient'"),
        ("  never client  client", "1:17: 'client'"),
        ("client receives \"欢迎\" RST", "1:22: 'RST'"),
        ("client receives Hello", "1:17: 'Hello'"),
        ("client sends data 1 within within", "1:28: 'within'"),
        ("client SYN-SENT # ->", "1:16: a word is missing at the end: ->"),
        ("client receives # text", "1:16: a word is missing at the end: a text"),
        ("\n\nclient SYN-SENT -> SYN-SENT SYN-SENT", "3:29: 'SYN-SENT'"),
    ] {
        assert!(error(text).starts_with(start), "{text}: {}", error(text));
    }
}

#[test]
fn every_end_is_in_the_list_of_valid_ends() {
    let error = error("client ends well");
    for end in ENDS {
        assert!(error.contains(end), "{end}: {error}");
        assert!(Expectations::parse(&std::format!("client ends {end}"), seconds).is_ok(), "{end}");
    }
}
