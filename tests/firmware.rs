//! The firmware of each board in QEMU on a TAP, with clients and servers of the kernel's.
#![cfg(target_os = "linux")]

mod common;

use std::io::{Read, Write};
use std::net::Shutdown;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use smolstep::phy::linux::Kind;

use common::link::{KERNEL, PATIENCE, SERVER, ask, at, connect, expect, expect_last, noise, send, udp};
use common::netns::{in_namespace, make};
use common::peer::{Peer, python};
use common::require::skip;

/// How many programs a board serves on TCP and UDP together.
const PROGRAMS: usize = 12;

#[test]
fn the_mps2_an385_serves_every_program() {
    on_board("the_mps2_an385_serves_every_program", "mps2-an385", serves_every_program);
}

#[test]
fn the_lm3s6965evb_serves_every_program() {
    on_board("the_lm3s6965evb_serves_every_program", "lm3s6965evb", serves_every_program);
}

#[test]
fn the_mps2_an385_calls_a_server_and_tells_the_result() {
    on_board("the_mps2_an385_calls_a_server_and_tells_the_result", "mps2-an385-client", |elf| {
        let server = python::server(python::GREETING, KERNEL[0].parse().unwrap(), 9999);
        let finished = qemu("mps2-an385", &elf).finish();
        let out = finished.out();
        assert_eq!(finished.code(), Some(0), "{out}{}", finished.err());
        for line in ["Hello,Li!", "Hello,Cheng!", "Hello,victor!"] {
            assert!(out.lines().any(|l| l == line), "no {line} in {out}");
        }
        drop(server);
        let finished = qemu("mps2-an385", &elf).finish();
        assert_eq!(finished.code(), Some(1), "{}", finished.out());
        assert!(finished.out().contains("connection refused"), "{}", finished.out());
    });
}

fn serves_every_program(elf: PathBuf) {
    let board = elf.file_name().unwrap().to_str().unwrap().to_owned();
    let _board = qemu(&board, &elf).listening(PROGRAMS);
    let server = SERVER[0];

    let ping = Peer::start(Command::new("ping").args(["-c", "3", "-i", "0.2", "-W", "10", server])).finish();
    assert_eq!(ping.code(), Some(0), "{}", ping.out());

    let mut greeting = connect(server, 9999);
    expect(&mut greeting, "Welcome!");
    send(&mut greeting, "Li");
    expect(&mut greeting, "Hello,Li!");
    send(&mut greeting, "exit");
    expect_last(&mut greeting, "");
    // A connection has its slot until this side is closed, too; all are needed below.
    drop(greeting);

    for (port, reply) in [(9998, "ACK"), (8080, "thank you !"), (14000, "LI")] {
        let mut stream = connect(server, port);
        send(&mut stream, "li");
        expect_last(&mut stream, reply);
    }

    let mut discard = connect(server, 9);
    send(&mut discard, noise(20_000, 1));
    discard.shutdown(Shutdown::Write).unwrap();
    expect_last(&mut discard, "");

    let mut chargen = connect(server, 19);
    chargen.read_exact(&mut [0; 20_000]).unwrap();
    drop(chargen);

    echoes(server, 100_000);
    echoes_at_once(server);

    let own = at(KERNEL[0], 0);
    for len in [0, 1, 1471, 1472] {
        let datagram = noise(len, 7);
        ask(&udp(own, at(server, 7)), &datagram, &datagram);
    }
    ask(&udp(own, at(server, 9999)), "Li", "hello Li!");
    ask(&udp(own, at(server, 8081)), "Li", "thank you !");
}

/// Sends so many bytes and compares what comes back.
fn echoes(server: &str, len: usize) {
    let mut stream = connect(server, 7);
    let bytes = noise(len, len as u64);
    let mut writer = stream.try_clone().unwrap();
    let sent = bytes.clone();
    let writing = thread::spawn(move || {
        writer.write_all(&sent).unwrap();
        writer.shutdown(Shutdown::Write).unwrap();
    });
    expect_last(&mut stream, bytes);
    writing.join().unwrap();
}

/// As many connections as a board has, with data on all of them.
fn echoes_at_once(server: &str) {
    let mut streams: Vec<_> = (0..8).map(|_| connect(server, 7)).collect();
    for (seed, stream) in streams.iter_mut().enumerate() {
        send(stream, noise(1000, seed as u64));
    }
    for (seed, stream) in streams.iter_mut().enumerate() {
        expect(stream, noise(1000, seed as u64));
    }
    for mut stream in streams {
        stream.shutdown(Shutdown::Write).unwrap();
        expect_last(&mut stream, "");
    }
}

/// Builds an image and runs `test` with it in a namespace of its own on tap0, or skips it where that cannot be.
fn on_board(name: &str, image: &str, test: impl FnOnce(PathBuf) + Send + 'static) {
    match build(image) {
        Ok(elf) => in_namespace(name, move || {
            make(Kind::Tap, "tap0", &[(KERNEL[0], 24)]);
            test(elf);
        }),
        Err(why) => skip("qemu", &why),
    }
}

/// The ELF file of an image.
fn build(image: &str) -> Result<PathBuf, String> {
    let qemu = Command::new("qemu-system-arm").arg("--version").output();
    qemu.map_err(|e| format!("qemu-system-arm: {e}; on Debian: apt-get install qemu-system-arm"))?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/firmware");
    // What cargo and rustup set for this process is about the host's toolchain.
    let built = Command::new(script)
        .args(["build", image])
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env("SMOLSTEP_SEED", "42".repeat(32))
        .output()
        .map_err(|e| format!("{script}: {e}"))?;
    let last = String::from_utf8_lossy(&built.stdout).lines().last().map(PathBuf::from);
    match last {
        Some(elf) if built.status.success() => Ok(elf),
        _ => Err(String::from_utf8_lossy(&built.stderr).lines().last().unwrap_or_default().to_owned()),
    }
}

/// Boots an image on tap0, with the UART on standard output.
fn qemu(board: &str, elf: &std::path::Path) -> Peer {
    let model = if board == "mps2-an385" { "lan9118" } else { "stellaris" };
    let nic = format!("nic,netdev=n0,model={model},macaddr=02:00:00:00:00:01");
    let mut command = Command::new("timeout");
    command.arg(PATIENCE.as_secs().to_string()).args(["qemu-system-arm", "-M", board, "-display", "none"]);
    command.args(["-monitor", "none", "-serial", "stdio", "-semihosting-config", "enable=on", "-kernel"]).arg(elf);
    command.args(["-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no", "-net", &nic]);
    Peer::start(&mut command)
}
