//! The tutorials' HTTP clients: `smolstep get` fetches the same page, and `serve http` answers the clients.

use std::fs;

use crate::common::Scratch;
use crate::common::link::{KERNEL, SERVER, on_tap_and_tun};
use crate::common::peer::{Peer, smolstep};
use crate::pair::{Pair, lines, serve};

const ONE_READ: Pair<'static> =
    Pair { port: 80, server: ("http_server", &[]), client: ("http_one_read", &[]), input: "", lines: 1 };

#[test]
fn get_fetches_what_the_clients_fetch() {
    on_tap_and_tun("http::get_fetches_what_the_clients_fetch", |link| {
        let (theirs, ours) = (Scratch::new("page"), Scratch::new("page"));
        let file = [theirs.path()];
        let to_end = Pair { client: ("http_to_end", &file), ..ONE_READ };
        for family in [0, 1] {
            let one_read = ONE_READ.in_python(family);
            let header = to_end.in_python(family);
            let page = fs::read_to_string(&theirs).unwrap();
            // print() adds a line ending to both outputs.
            assert_eq!(one_read.client, format!("{}\r\n\r\n{page}\n", header.client.trim_end()));

            let server = serve(ONE_READ.server, KERNEL[family], 80);
            let url = format!("http://{}/", if family == 0 { KERNEL[0].into() } else { format!("[{}]", KERNEL[1]) });
            let get = |arguments: &[&str]| {
                let mut command = smolstep();
                command.env_remove("RUST_LOG").args(["get", &url]).args(arguments).args(link.arguments());
                let get = Peer::start(&mut command).finish();
                assert_eq!((get.code(), get.err().as_str()), (Some(0), ""), "{get:?}");
                get.out()
            };
            assert_eq!(get(&["-i"]) + "\n", one_read.client);
            assert_eq!(get(&[]), page);
            assert_eq!(get(&["-o", ours.path()]), "");
            assert_eq!(fs::read_to_string(&ours).unwrap(), page);
            assert_eq!(lines(&server, 3), one_read.server.repeat(3));
        }
    });
}

#[test]
fn the_clients_show_the_status_page() {
    on_tap_and_tun("http::the_clients_show_the_status_page", |link| {
        let file = Scratch::new("page");
        let path = [file.path()];
        let to_end = Pair { client: ("http_to_end", &path), ..ONE_READ };
        let server = link.serve(&["http"], 2);
        for family in [0, 1] {
            let one_read = ONE_READ.call(SERVER[family]);
            assert!(one_read.starts_with("HTTP/1.1 200 OK\r\n"), "{one_read}");
            // The client decodes the bytes of one read, which can end at any byte, so the text must be ASCII.
            assert!(one_read.is_ascii(), "{one_read}");

            let header = to_end.call(SERVER[family]);
            assert!(header.starts_with("HTTP/1.1 200 OK\r\n") && !header.contains("<html"), "{header}");
            let page = fs::read_to_string(&file).unwrap();
            // The page must not contain chunk sizes.
            assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</script>\n"), "{page}");
            assert!(page.lines().all(|line| line.is_empty() || u32::from_str_radix(line, 16).is_err()), "{page}");
        }
        server.stop();
    });
}
