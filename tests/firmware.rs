//! The firmware of each board in QEMU on a TAP, with clients and servers of the kernel's.
#![cfg(target_os = "linux")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use smolstep::phy::linux::Kind;

use common::link::{KERNEL, SERVER, ask, at, connect, expect, expect_last, noise, send, udp};
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

#[test]
fn the_mps2_an385_shows_its_status() {
    on_board("the_mps2_an385_shows_its_status", "mps2-an385-http", shows_its_status);
}

#[test]
fn the_lm3s6965evb_shows_its_status() {
    on_board("the_lm3s6965evb_shows_its_status", "lm3s6965evb-http", shows_its_status);
}

/// What the status page may take: the firmware with it less the one without.
const PAGE: u64 = 18 * 1024;

#[test]
fn the_status_page_takes_little_flash() {
    match ["lm3s6965evb", "lm3s6965evb-http"].map(flash) {
        [Ok(without), Ok(with)] => assert!(with > without && with - without <= PAGE, "{with} - {without} bytes"),
        [Err(why), _] | [_, Err(why)] => skip("qemu", &why),
    }
}

fn shows_its_status(elf: PathBuf) {
    let server = SERVER[0];
    let _board = qemu(name(&elf), &elf).listening(PROGRAMS + 1);
    let get = |path: &str| {
        let mut stream = connect(server, 80);
        send(&mut stream, format!("GET {path} HTTP/1.0\r\n\r\n"));
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let page = get("/");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("</script>\n"), "{page}");
    assert!(page.contains("<td>tcp 80<td>") && page.contains("<td>udp 9997<td>"), "{page}");

    // Four of the eight connections may be live pages.
    let mut pages: Vec<_> = (0..4).map(|_| connect(server, 80)).collect();
    for stream in &mut pages {
        send(stream, "GET /events HTTP/1.1\r\nHost: board\r\n\r\n");
        expect(stream, "HTTP/1.1 200 OK\r\n");
    }
    assert!(get("/events").starts_with("HTTP/1.1 503 "));
    let mut echo = connect(server, 7);
    send(&mut echo, "hello");
    expect(&mut echo, "hello");
    let row = format!("<td>{}<td class=", echo.local_addr().unwrap());
    for stream in &pages {
        let mut lines = BufReader::new(stream).lines().take(10_000).map(Result::unwrap);
        assert!(lines.any(|line| line.contains(&row) && line.ends_with(">5<td class=\"n\">5")), "no {row}");
    }
    echo.shutdown(Shutdown::Write).unwrap();
    expect_last(&mut echo, "");
}

fn serves_every_program(elf: PathBuf) {
    let _board = qemu(name(&elf), &elf).listening(PROGRAMS);
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

/// How much flash an image takes, in bytes.
fn flash(image: &str) -> Result<u64, String> {
    let elf = build(image)?;
    let size = Command::new("size")
        .arg(elf)
        .output()
        .map_err(|e| format!("size: {e}; on Debian: apt-get install binutils"))?;
    // Of Berkeley's columns: code and constants, and what is in flash and in memory.
    let out = String::from_utf8_lossy(&size.stdout).into_owned();
    let numbers = out.lines().nth(1).unwrap_or_default().split_whitespace().take(2);
    let numbers: Vec<u64> = numbers.map_while(|number| number.parse().ok()).collect();
    Ok(numbers.iter().sum())
}

/// The name of a built image.
fn name(elf: &Path) -> &str {
    elf.file_name().unwrap().to_str().unwrap()
}

/// Boots an image on tap0, with the UART on standard output.
fn qemu(image: &str, elf: &Path) -> Peer {
    let board = image.strip_suffix("-http").unwrap_or(image);
    let model = if board == "mps2-an385" { "lan9118" } else { "stellaris" };
    let nic = format!("nic,netdev=n0,model={model},macaddr=02:00:00:00:00:01");
    // It ends with this thread at the latest.
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "qemu-system-arm", "-M", board, "-display", "none"]);
    command.args(["-monitor", "none", "-serial", "stdio", "-semihosting-config", "enable=on", "-kernel"]).arg(elf);
    command.args(["-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no", "-net", &nic]);
    Peer::start(&mut command)
}
