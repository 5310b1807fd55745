//! The link of a board goes down and comes up. QEMU's LAN9118 has a PHY that reports the state of the link.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use crate::board::{Image, on_image};
use crate::common::Scratch;
use crate::common::hostile::frame::{SERVER, SERVER_MAC};
use crate::common::peer::Peer;
use crate::wire::{NETDEV, Wire};

const IMAGE: &str = "mps2-an385";

#[test]
fn a_board_announces_its_address_when_the_link_comes_up() {
    on_image("link::a_board_announces_its_address_when_the_link_comes_up", IMAGE, |image| {
        let wire = Wire::new();
        let (board, mut plug) = boot(image, NETDEV);
        let announcement =
            [&[0xff; 6][..], &SERVER_MAC, &[8, 6, 0, 1, 8, 0, 6, 4, 0, 1], &SERVER_MAC, &SERVER, &[0; 6], &SERVER]
                .concat();
        // The first announcement is sent when the board starts.
        while !wire.receive().starts_with(&announcement) {}
        plug.set(&board, false);
        plug.set(&board, true);
        while !wire.receive().starts_with(&announcement) {}
    });
}

#[test]
fn a_board_confirms_its_lease_when_the_link_comes_up() {
    on_image("link::a_board_confirms_its_lease_when_the_link_comes_up", IMAGE, |image| {
        let image = Image::build(image.name(), &[("SMOLSTEP_IP", "dhcp")]).unwrap();
        let network = "user,id=n0,net=192.168.69.0/24,host=192.168.69.100,dhcpstart=192.168.69.50";
        let (board, mut plug) = boot(&image, network);
        plug.set(&board, false);
        plug.set(&board, true);
        board.wait_for("a confirmation", |out| out.contains("DHCP server 192.168.69.100 renews 192.168.69.50/24"));
        assert!(!board.out().contains("no longer listening"), "{}", board.out());
    });
}

/// A connection to QEMU's monitor (QMP), which plugs and unplugs the board's cable.
struct Plug(BufReader<UnixStream>);

/// Boots an image on a netdev, and waits until the board listens.
fn boot(image: &Image, netdev: &str) -> (Peer, Plug) {
    let socket = Scratch::new("qmp");
    let control = format!("unix:{},server=on,wait=off", socket.path());
    let board = image.boot(&["--netdev", netdev, "--", "-qmp", &control]);
    board.wait_for("the last program", |out| out.contains(":9997 inbox\n"));
    let mut plug = Plug(BufReader::new(UnixStream::connect(socket.path()).unwrap()));
    plug.command("{\"execute\":\"qmp_capabilities\"}");
    (board, plug)
}

impl Plug {
    /// Plugs or unplugs the cable, and waits until the board logs the change.
    fn set(&mut self, board: &Peer, up: bool) {
        self.command(&format!("{{\"execute\":\"set_link\",\"arguments\":{{\"name\":\"n0\",\"up\":{up}}}}}"));
        let line = format!("the link is {}\n", if up { "up" } else { "down" });
        board.wait_for(&line, |out| out.contains(&line));
    }

    /// Sends a command to QEMU's monitor, and waits for the answer.
    fn command(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        // A greeting and reports of events can come before the answer.
        while !answer.contains("\"return\"") {
            assert!(!answer.contains("\"error\""), "{answer}");
            answer.clear();
            assert!(self.0.read_line(&mut answer).unwrap() > 0, "QEMU has ended");
        }
    }
}
