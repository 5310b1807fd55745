//! Serves the status page from your own stack. `Status` observes the stack as its `Probe`. The http server shows the
//! figures that `Status` collects.

mod common;

use std::cell::{Cell, RefCell};
use std::error::Error;

use smolstep::app::{Service, Status, Transport, http};
use smolstep::stack::{Context, Next, Session};
use smoltcp::socket::tcp::Socket;
use smoltcp::time::Instant;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: board.example\r\nConnection: close\r\n\r\n";

/// A client that requests the page once and stores the response.
#[derive(Clone)]
struct Browser<'p> {
    asked: bool,
    page: &'p RefCell<Vec<u8>>,
}

impl Session for Browser<'_> {
    fn poll(&mut self, socket: &mut Socket<'_>, _cx: &mut Context<'_>) -> Next {
        // The request fits, because the send buffer is empty and larger than the request.
        self.asked = self.asked || socket.send_slice(REQUEST).is_ok();
        let _ = socket.recv(|bytes| (bytes.len(), self.page.borrow_mut().extend_from_slice(bytes)));
        if socket.may_recv() { Next::Wait } else { Next::Close }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // One row for each connection that the page can show.
    let rows = [const { Cell::new(None) }; 4];
    let status = Status::new(&rows, Instant::from_secs(1));
    status.serves(Service { name: "http", transport: Transport::Tcp, port: 80 });

    let page = RefCell::default();
    let browser = Browser { asked: false, page: &page };
    common::call_all(&status, [(80, http::Server::new(&status))], [(80, browser)])?;
    let page = String::from_utf8(page.take())?;
    println!("{}", page.lines().next().unwrap_or_default());
    let title = page.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
    println!("{}", title.ok_or("the page has no title")?.0);
    println!("shows its reader: {}", page.contains("10.0.0.2"));
    Ok(())
}
