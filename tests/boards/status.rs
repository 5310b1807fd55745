//! The status page of a board.

use std::io::{BufRead, BufReader, Read};
use std::net::Shutdown;

use crate::board::{BOARD, on_every_full_board};
use crate::common::link::{connect, expect, expect_last, send};

#[test]
fn the_page_shows_connections_live() {
    on_every_full_board("status::the_page_shows_connections_live", |image| {
        let _board = image.serve_all();
        let page = get("/");
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("</script>\n"), "{page}");
        assert!(page.contains("<td>tcp 80<td>") && page.contains("<td>udp 9997<td>"), "{page}");

        // At most four of the eight connections may be live pages.
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

fn get(path: &str) -> String {
    let mut stream = connect(BOARD, 80);
    send(&mut stream, format!("GET {path} HTTP/1.0\r\n\r\n"));
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
