//! The files of the page: all of them are served, and the page does not request other files.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use regex::Regex;

use crate::server::Server;

#[test]
fn every_file_of_the_page_is_served() {
    let server = Server::open(&[]);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let media_type = match path.extension().and_then(|ending| ending.to_str()) {
            Some("css") => "text/css; charset=utf-8",
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("svg") => "image/svg+xml",
            // These are descriptions of packages, and the file that takes the place of the program's answer in a static
            // folder.
            _ => {
                assert!(name == "start" || server.send("GET", name, b"").status == 404, "{name}");
                continue;
            }
        };
        let answer = server.send("GET", name, b"");
        assert_eq!((answer.status, answer.body.as_bytes()), (200, &fs::read(&path).unwrap()[..]), "{name}");
        assert!(answer.head.contains(&format!("\r\ncontent-type: {media_type}\r\n")), "{name}: {}", answer.head);
        count += 1;
    }
    assert!(count > 3, "{count} files");
    server.close();
}

#[test]
fn the_page_asks_only_for_files_that_are_served() {
    let server = Server::open(&[]);
    let names = Regex::new(r#"(?:src="|href="|from "\./|import "\./|new Worker\(")([\w.-]+)""#).unwrap();
    let (mut asked, mut left) = (BTreeSet::new(), vec![String::new()]);
    while let Some(name) = left.pop() {
        let answer = server.send("GET", &name, b"");
        assert_eq!(answer.status, 200, "{name}");
        for found in names.captures_iter(&answer.body) {
            if asked.insert(found[1].to_owned()) {
                left.push(found[1].to_owned());
            }
        }
    }
    assert!(asked.contains("main.js") && asked.contains("style.css") && asked.contains("engine.js"), "{asked:?}");
    server.close();
}
