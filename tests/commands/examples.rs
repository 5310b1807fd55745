//! Runs every example and compares its output.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use smolstep::phy::linux::Kind;

use crate::common::netns;

#[test]
fn greeting_in_memory() {
    assert_eq!(output("greeting_in_memory"), "Welcome!\nHello,Li!\nHello,Cheng!\nHello,victor!\n");
}

#[test]
fn no_heap() {
    assert_eq!(output("no_heap"), "the connection is closed\n");
}

#[test]
#[cfg(target_arch = "x86_64")]
fn memory_budget() {
    crate::common::document::compare_memory_table(0, &output("memory_budget"));
}

#[test]
fn own_board() {
    let lines = "device: MTU 1514; holds 8 frames to send and 8 frames received\nWelcome!\nHello,board!\n\
        bytes lost on the console: 0, bad frames: 0\n";
    assert_eq!(output("own_board"), lines);
    assert!(crate::common::document::text("docs/porting.md").contains(lines));
}

#[test]
fn own_device() {
    assert_eq!(output("own_device"), "ICMP type 0 with 28 bytes\n");
}

#[test]
fn own_program() {
    assert_eq!(output("own_program"), "17 bytes\n");
}

#[test]
fn own_udp_program() {
    assert_eq!(output("own_udp_program"), "17 bytes at 1.000s\n9 bytes at 1.001s\n");
}

#[test]
fn two_programs() {
    assert_eq!(output("two_programs"), "Welcome!\nHello,Li!\n2 bytes\n");
}

#[test]
fn http_status() {
    assert_eq!(output("http_status"), "HTTP/1.1 200 OK\nsmolstep\nshows its reader: true\n");
}

#[test]
fn step_by_step() {
    let steps = "\
1.000s client sent on connection 0
1.000s server took in a frame for connection 0
1.000s server sent on connection 0
1.000s client took in a frame for connection 0
1.000s client ran the program of connection 0: Wait
1.000s client sent on connection 0
1.000s server took in a frame for connection 0
1.000s server ran the program of connection 0: Close
1.000s server sent on connection 0
1.000s client took in a frame for connection 0
1.000s client ran the program of connection 0: Close
1.000s client sent on connection 0
1.000s server took in a frame for connection 0
1.000s server sent on connection 0
1.000s client took in a frame for connection 0
";
    assert_eq!(output("step_by_step"), steps);
}

#[test]
fn greeting_on_tap() {
    netns::in_namespace("greeting_on_tap", || {
        let absent = netns::output(&mut Command::new(example("greeting_on_tap"))).unwrap();
        let error = String::from_utf8(absent.stderr).unwrap();
        assert!(error.starts_with("greeting_on_tap: there is no interface tap0 here: make it with"), "{error}");
        assert_eq!(absent.status.code(), Some(1));

        netns::make(Kind::Tap, "tap0", &[("192.168.69.100", 24)]);
        let mut server = netns::spawn(Command::new(example("greeting_on_tap")).stdout(Stdio::piped())).unwrap();
        let mut line = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "listening on 192.168.69.1:9999\n");
        let mut client = TcpStream::connect("192.168.69.1:9999").unwrap();
        for (send, want) in [("", "Welcome!"), ("Li\n", "Hello,Li!\n"), ("exit", "")] {
            client.write_all(send.as_bytes()).unwrap();
            let mut reply = vec![0; want.len()];
            client.read_exact(&mut reply).unwrap();
            assert_eq!(reply, want.as_bytes());
        }
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
        server.kill().unwrap();
        server.wait().unwrap();
    });
}

fn output(name: &str) -> String {
    let output = netns::output(&mut Command::new(example(name))).unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the path of an example's executable.
fn example(name: &str) -> PathBuf {
    FOLDER.join(name)
}

/// The folder of the examples. The examples are built here, because `cargo test --test commands` does not build them.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let me = std::env::current_exe().unwrap();
    let profile = me.ancestors().nth(2).unwrap();
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--examples"]).args(profile.ends_with("release").then_some("--release"));
    let built = netns::output(&mut build).unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    profile.join("examples")
});
