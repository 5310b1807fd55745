//! A board as a client of the kernel and of another board.

use crate::board::{AT_THE_CALLED_ADDRESS, Image, on_image};
use crate::common::link::KERNEL;
use crate::common::peer::{Finished, python};
use crate::common::skip;

#[test]
fn a_board_calls_the_kernel() {
    on_image("calls::a_board_calls_the_kernel", "mps2-an385-client", |image| {
        let server = python::server("greeting", KERNEL[0].parse().unwrap(), 9999);
        let tap = ["--tap", "tap0"];
        greeted(&image.boot(&tap).finish());
        drop(server);
        let finished = image.boot(&tap).finish();
        assert_eq!(finished.code(), Some(1), "{}", finished.out());
        assert!(finished.out().contains("connection refused"), "{}", finished.out());
    });
}

/// Both sides are firmware, on a network between two QEMU processes.
#[test]
fn a_board_calls_another_board() {
    let server = match Image::build("lm3s6965evb", AT_THE_CALLED_ADDRESS) {
        Ok(image) => image,
        Err(why) => return skip("qemu", &why),
    };
    on_image("calls::a_board_calls_another_board", "mps2-an385-client", move |image| {
        let _server = server.serve_on("socket,id=n0,listen=127.0.0.1:7000");
        greeted(&image.boot(&["--netdev", "socket,id=n0,connect=127.0.0.1:7000"]).finish());
    });
}

/// Asserts that the client succeeded, and printed the welcome and a greeting for each text.
pub fn greeted(finished: &Finished) {
    let out = finished.out();
    assert_eq!(finished.code(), Some(0), "{out}{}", finished.err());
    let replies: Vec<_> = out.lines().filter(|line| !line.starts_with('[')).collect();
    assert_eq!(replies, ["Welcome!", "Hello,Li!", "Hello,Cheng!", "Hello,victor!"], "{out}");
}
