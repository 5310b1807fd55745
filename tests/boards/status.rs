//! The status page of a board.

use std::io::{BufRead, BufReader, Read};
use std::net::Shutdown;

use smoltcp::phy::Medium;

use crate::board::{BOARD, Image, on_every_full_board, on_image};
use crate::common::hostile::frame::{SERVER, ether};
use crate::common::link::{connect, expect, expect_last, send};
use crate::wire::{NETDEV, Wire};

#[test]
fn the_page_shows_connections_live() {
    on_every_full_board("status::the_page_shows_connections_live", |image| {
        let _board = image.serve_all();
        let page = get("/");
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("</script>\n"), "{page}");
        assert!(page.contains("<td>tcp 80<td>") && page.contains("<td>udp 9997<td>"), "{page}");

        // At most four of the eight connections can be live pages.
        let mut pages: Vec<_> = (0..4).map(|_| connect(BOARD, 80)).collect();
        for stream in &mut pages {
            send(stream, "GET /events HTTP/1.1\r\nHost: board\r\n\r\n");
            expect(stream, "HTTP/1.1 200 OK\r\n");
        }
        assert!(get("/events").starts_with("HTTP/1.1 503 "));
        let mut echo = connect(BOARD, 7);
        send(&mut echo, "hello");
        expect(&mut echo, "hello");
        let row = format!("<td>{}<td class=", echo.local_addr().unwrap());
        for stream in &pages {
            let mut lines = BufReader::new(stream).lines().take(10_000).map(Result::unwrap);
            assert!(lines.any(|line| line.contains(&row) && line.ends_with(">5<td class=\"n\">5")), "no {row}");
        }
        echo.shutdown(Shutdown::Write).unwrap();
        expect_last(&mut echo, "");
    });
}

#[test]
fn without_dhcp_a_host_with_the_boards_address_is_counted_but_not_logged() {
    on_every_full_board("status::without_dhcp_a_host_with_the_boards_address_is_counted_but_not_logged", |image| {
        assert!(!shares_its_address(image).contains(" is used by "));
    });
}

#[test]
fn with_dhcp_a_host_with_the_boards_address_is_counted_and_logged() {
    let name = "status::with_dhcp_a_host_with_the_boards_address_is_counted_and_logged";
    on_image(name, "mps2-an385-full", |image| {
        let image = Image::build(image.name(), &[("SMOLSTEP_IP", "192.168.69.1/24,dhcp")]).unwrap();
        let log = shares_its_address(&image);
        assert!(log.contains("[WARN ] 192.168.69.1 is used by 02:00:00:00:00:09, too\n"), "{log}");
    });
}

/// Boots an image. Another host announces the board's address three times, and the status page must then show a count
/// of three. Returns the log of the board.
fn shares_its_address(image: &Image) -> String {
    const OTHER: [u8; 6] = [2, 0, 0, 0, 0, 9];
    let wire = Wire::new();
    let board = image.serve_all_on(NETDEV);
    let announcement = [&[0, 1, 8, 0, 6, 4, 0, 1][..], &OTHER, &SERVER, &[0; 6], &SERVER].concat();
    let announcement = ether(Medium::Ethernet, [0xff; 6], OTHER, 0x0806, announcement);
    for _ in 0..3 {
        wire.send(&announcement);
        wire.settle();
    }
    let _relay = wire.relay(|_, frame| Some(frame));
    let page = get("/");
    assert!(page.contains("<dt>own address used by another host<dd>3</div>"), "{page}");
    // The log line about the page follows the lines about the announcements.
    board.wait_for("the page in the log", |out| out.contains(" on 192.168.69.1:80: both sides are done"));
    board.out()
}

fn get(path: &str) -> String {
    let mut stream = connect(BOARD, 80);
    send(&mut stream, format!("GET {path} HTTP/1.0\r\n\r\n"));
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
