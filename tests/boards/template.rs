//! The template of a firmware outside this repository: a server, a client, and a server with its own loop.

use std::path::PathBuf;

use crate::board::BOARD;
use crate::calls::greeted;
use crate::common::firmware::{boot_as, qemu, script};
use crate::common::link::{KERNEL, connect, expect, expect_last, on_tap, send};
use crate::common::peer::python;
use crate::common::skip;

/// The board whose registers the template has.
const AS: &str = "mps2-an385";

#[test]
fn its_server_serves() {
    with("template::its_server_serves", "firmware", |elf| {
        let board = boot_as(AS, elf, &["--tap", "tap0"]);
        board.wait_for("the last port", |out| out.contains("listening udp 192.168.69.1:9997 inbox\n"));
        let mut greeting = connect(BOARD, 9999);
        expect(&mut greeting, "Welcome!");
        send(&mut greeting, "Li");
        expect(&mut greeting, "Hello,Li!");
    });
}

#[test]
fn its_client_calls() {
    with("template::its_client_calls", "client", |elf| {
        let _server = python::server("greeting", KERNEL[0].parse().unwrap(), 9999);
        greeted(&boot_as(AS, elf, &["--tap", "tap0"]).finish());
    });
}

#[test]
fn its_own_loop_serves() {
    with("template::its_own_loop_serves", "own_loop", |elf| {
        let board = boot_as(AS, elf, &["--tap", "tap0"]);
        board.wait_for("the port", |out| out.contains("listening on port 7777"));
        for _ in 0..3 {
            expect_last(&mut connect(BOARD, 7777), "hello\n");
        }
    });
}

/// Builds a firmware of the template, and runs `test` on a TAP with its ELF file.
fn with(name: &str, firmware: &str, test: impl FnOnce(&std::path::Path) + Send + 'static) {
    let built = qemu().and_then(|()| script(&["template", firmware], &[]));
    match built {
        Ok(said) => {
            let elf = PathBuf::from(said.lines().last().unwrap_or_default());
            on_tap(name, move |_| test(&elf));
        }
        Err(why) => skip("qemu", &why),
    }
}
