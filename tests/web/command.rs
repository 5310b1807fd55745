//! The command line of `smolstep lab --web`: what the page opens, `--open`, and how the program ends.

use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::common::Scratch;
use crate::common::netns::write_program;
use crate::common::peer::{Peer, smolstep};
use crate::server::Server;

/// Returns the program's answer to the page's question what to open.
fn start(arguments: &[&str]) -> Value {
    let server = Server::open(arguments);
    let answer = server.send("GET", "start", b"");
    assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
    let start = serde_json::from_str(&answer.body).unwrap();
    server.close();
    start
}

#[test]
fn the_page_learns_what_to_open() {
    assert_eq!(start(&[]), json!({}));
    assert_eq!(start(&["lost-synack", "--lang", "zh"]), json!({"scenario": "lost-synack", "lang": "zh"}));
    assert_eq!(start(&["echo", "--seed", "12"]), json!({"program": "echo", "seed": 12}));
    let exercise = "docs/exercises/01-handshake.lab";
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(exercise)).unwrap();
    let path = format!("{}/{exercise}", env!("CARGO_MANIFEST_DIR"));
    assert_eq!(start(&[&path]), json!({"lab": text, "file": path}));
    assert_eq!(start(&["exercise", &path]), json!({"lab": text, "file": path}));
}

#[test]
fn command_lines_that_do_not_fit_are_refused() {
    let bad = Scratch::new("bad.lab");
    std::fs::write(bad.path(), "client calls 7000\nfault drop server synak 1\n").unwrap();
    let lines: &[(&[&str], &str)] = &[
        (&["--open"], "--web"),
        (&["--web", "--step"], "leave out all but --open, --seed and --lang"),
        (&["--web", "--latency", "5ms"], "leave out all but --open, --seed and --lang"),
        (&["--web", "--pcap", "x.pcapng"], "leave out all but --open, --seed and --lang"),
        (&["--web", "--explain"], "leave out all but --open, --seed and --lang"),
        (&["--web", "--list"], "--list"),
        (&["--web", "echo", "hello"], "TEXT"),
        (&["--web", "nonsense"], "there is no program or scenario 'nonsense'"),
        (&["--web", "/nowhere/x.lab"], "/nowhere/x.lab cannot be read"),
        (&["--web", "docs/packetdrill/sack.pkt"], "packetdrill"),
        (&["--web", "mark", "a", "b"], "mark"),
        (&["--web", "exercise"], "name one file"),
        (&["--web", bad.path()], ":2:"),
    ];
    for (arguments, why) in lines {
        let ended = Peer::start(smolstep().arg("lab").args(*arguments)).finish();
        assert_eq!((ended.code(), ended.out().as_str()), (Some(2), ""), "{arguments:?}");
        assert!(ended.err().contains(why), "{arguments:?}: {}", ended.err());
        assert_eq!(ended.err().lines().count(), 1, "{arguments:?}: {}", ended.err());
    }
}

#[test]
fn signals_end_the_program_even_if_they_were_ignored() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' INT TERM HUP; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_smolstep"), "lab", "--web"]);
        let server = Server::of(Peer::start(&mut shell));
        // An open connection does not delay the end.
        let _open = std::net::TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        let pid = Pid::from_raw(i32::try_from(server.peer.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        let ended = server.peer.finish();
        assert_eq!((ended.code(), ended.err().as_str()), (Some(0), ""), "{signal:?}");
    }
}

#[test]
fn open_gives_the_address_to_the_browser() {
    let folder = std::env::temp_dir().join(format!("smolstep-open-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let opened = folder.join("opened");
    let with = |program: Option<&str>| {
        let path = folder.join("xdg-open");
        let _ = std::fs::remove_file(&path);
        if let Some(program) = program {
            write_program(&path, program).unwrap();
        }
        let mut command = smolstep();
        command.args(["lab", "--web", "--open"]).env("PATH", &folder).env("OPENED", &opened);
        Server::of(Peer::start(&mut command))
    };
    // The script renames the file once it is complete, so that the test never reads half of it.
    let server = with(Some("#!/bin/sh\necho \"$1\" >\"$OPENED-\"\n/bin/mv \"$OPENED-\" \"$OPENED\"\nexit 3\n"));
    server.peer.wait_for_log("xdg-open: exit status: 3: open the address in a browser yourself", 1);
    assert_eq!(std::fs::read_to_string(&opened).unwrap(), format!("{}\n", server.url("")));
    assert_eq!(server.send("GET", "start", b"").status, 200);
    server.peer.stop();
    let server = with(None);
    server.peer.wait_for_log("open the address in a browser yourself", 1);
    assert_eq!(server.peer.err().lines().count(), 1, "{}", server.peer.err());
    assert_eq!(server.send("GET", "start", b"").status, 200);
    server.peer.stop();
    std::fs::remove_dir_all(&folder).unwrap();
}
