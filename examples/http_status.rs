//! Serves the status page from your own stack. A probe collects the figures, and the http server shows them.

mod common;

use std::cell::{Cell, RefCell};
use std::error::Error;

use smolstep::app::http_client::{Get, Head, Output, OutputFailed, Request};
use smolstep::app::{Service, Status, Transport, http};
use smoltcp::time::{Duration, Instant};

/// Stores the page. If an `Output` has less room, its `body` returns a smaller number, and the server waits.
#[derive(Default)]
struct Page(Vec<u8>);

impl Output for Page {
    fn head(&mut self, head: &Head<'_>) -> Result<bool, OutputFailed> {
        println!("{} {}", head.status, head.reason);
        Ok(true)
    }

    fn body(&mut self, piece: &[u8]) -> Result<usize, OutputFailed> {
        self.0.extend_from_slice(piece);
        Ok(piece.len())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // One row for each connection that the page can show.
    let rows = [const { Cell::new(None) }; 4];
    let status = Status::new(&rows, Instant::from_secs(1));
    status.serves(Service { name: "http", transport: Transport::Tcp, port: 80 });

    let page = RefCell::new(Page::default());
    let request = Request::new("board.example", "/").ok_or("no such page")?;
    let get = Get::<_, _, 1024>::new(request, &page, Duration::from_secs(5));
    common::call_all(&status, [(80, http::Server::new(&status))], [(80, get)])?;
    let page = String::from_utf8(page.take().0)?;
    let title = page.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    println!("{}", title.ok_or("the page has no title")?.0);
    println!("shows its reader: {}", page.contains("10.0.0.2"));
    Ok(())
}
