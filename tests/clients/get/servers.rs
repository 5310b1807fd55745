//! Files from Python's http.server and nginx: `get` saves the same bytes as curl.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::rig::*;
use crate::common::far::{self, FAR};
use crate::common::link::{KERNEL, noise, on_tap, on_tap_and_tun};
use crate::common::peer::Peer;
use crate::common::skip;

/// The names and lengths of the files.
const FILES: [(&str, usize); 4] = [("empty", 0), ("one", 1), ("mebi", 1 << 20), ("twenty", 20 << 20)];

#[test]
fn python_serves_what_curl_saves() {
    on_tap_and_tun("servers::python_serves_what_curl_saves", |link| {
        let home = home("python");
        for address in KERNEL {
            let _server = python(address, &home);
            for (name, len) in FILES {
                let (url, file) = (url(address, 8000, &format!("/{name}")), home.join("saved"));
                let saved = file.to_str().unwrap();
                went_well(&get(link, &[&url, "-o", saved]));
                let bytes = fs::read(&file).unwrap();
                assert!(bytes == fs::read(home.join(name)).unwrap() && bytes.len() == len, "{url}");
                if len <= 1 << 20 {
                    let shown = get(link, &[&url]);
                    went_well(&shown);
                    assert!(shown.stdout == curl(&[&url]), "{url}");
                }
            }
        }
    });
}

#[test]
fn nginx_serves_what_curl_saves() {
    on_tap("servers::nginx_serves_what_curl_saves", |link| {
        let Some((nginx, home)) = nginx("nginx") else { return };
        for address in KERNEL {
            for (name, _) in FILES {
                for path in [format!("/{name}"), format!("/chunked/{name}")] {
                    let (url, file) = (url(address, 8080, &path), home.join("saved"));
                    went_well(&get(link, &[&url, "-o", file.to_str().unwrap()]));
                    assert!(fs::read(&file).unwrap() == curl(&[&url]), "{url}");
                }
            }
            let chunked = get(link, &["-i", &url(address, 8080, "/chunked/mebi")]);
            let head = String::from_utf8_lossy(&chunked.stdout[..400]).into_owned();
            assert!(head.contains("Transfer-Encoding: chunked\r\n") && !head.contains("Content-Length"), "{head}");
        }
        nginx.interrupt();
        nginx.finish();
    });
}

#[test]
fn nginx_behind_a_router_with_a_smaller_mtu_serves_what_it_has() {
    on_tap_and_tun("servers::nginx_behind_a_router_with_a_smaller_mtu_serves_what_it_has", |link| {
        let Some((command, home)) = nginx_command("narrow", FAR) else { return };
        let nginx = far::start(&command, 1_400);
        nginx.wait_for_log(NGINX_STARTED, 1);
        let file = home.join("saved");
        for (address, refused) in FAR.into_iter().zip([refused_v4, refused_v6]) {
            // The request contains a segment that is too long for the router.
            let url = url(address, 8080, &format!("/mebi?{}", "x".repeat(4_000)));
            let before = refused();
            let gateways = ["--gateway", KERNEL[0], "--gateway", KERNEL[1]];
            went_well(&get(link, &[&[&url, "-o", file.to_str().unwrap()], &gateways[..]].concat()));
            assert!(fs::read(&file).unwrap() == fs::read(home.join("mebi")).unwrap(), "{address}");
            assert!(refused() > before, "{address}");
        }
    });
}

#[test]
fn nginx_redirects() {
    on_tap("servers::nginx_redirects", |link| {
        let Some((_nginx, _)) = nginx("redirects") else { return };
        for address in KERNEL {
            for path in ["/relative", "/absolute", "/twice"] {
                let url = url(address, 8080, path);
                let followed = get(link, &["-L", &url]);
                went_well(&followed);
                assert!(followed.stdout == b"x" && curl(&["-L", &url]) == b"x", "{url}: {followed:?}");
            }
            let url = url(address, 8080, "/relative");
            let kept = get(link, &[&url]);
            assert_eq!((kept.code(), &kept.stdout), (Some(0), &curl(&[&url])));
            assert!(kept.err().contains("-L follows this redirect"), "{}", kept.err());
        }
        failed(&get(link, &["-L", &url(KERNEL[0], 8080, "/loop")]), "more than 10 redirects");
    });
}

#[test]
fn the_page_of_a_404_is_saved_with_a_warning() {
    on_tap("servers::the_page_of_a_404_is_saved_with_a_warning", |link| {
        let home = home("missing");
        let _server = python(KERNEL[0], &home);
        let url = url(KERNEL[0], 8000, "/nothing");
        let missing = get(link, &[&url]);
        assert_eq!((missing.code(), &missing.stdout), (Some(0), &curl(&[&url])));
        assert!(
            missing.err().contains("404 File not found") && missing.err().matches('\n').count() == 1,
            "{missing:?}"
        );
        let scripted = Scripted::on_ipv4();
        let odd = get(link, &[&scripted.url("b'HTTP/1.1 500 a\\tb\\r\\n\\r\\n'", Then::Close)]);
        assert!(odd.err().contains("500 a b: the body is"), "{odd:?}");
    });
}

#[test]
fn headers_are_written_as_curl_writes_them() {
    on_tap("servers::headers_are_written_as_curl_writes_them", |link| {
        for address in KERNEL {
            let server = Scripted::start(address);
            for answer in [
                r"b'HTTP/1.1 200 OK\r\nX: \t y \r\nContent-Length: 5\r\n\r\nhello'",
                r"b'HTTP/1.0 203 Something else\r\n\r\nuntil the end'",
                r"b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\n\r\n'",
                r"b'HTTP/1.1 302 Found\r\nLocation: /close?b%27HTTP/1.1%20200%20OK\r\n\r\n' + b'x' * 100000",
            ] {
                let url = server.url(answer, Then::Close);
                let shown = get(link, &["-i", &url]);
                assert_eq!(shown.code(), Some(0), "{shown:?}");
                assert_eq!(shown.out(), String::from_utf8(curl(&["-i", &url])).unwrap(), "{answer}");
            }
        }
    });
}

/// Creates a folder with all files.
fn home(name: &str) -> PathBuf {
    let home = folder(name);
    for (file, len) in FILES {
        fs::write(home.join(file), if len == 1 { b"x".to_vec() } else { noise(len, 5) }).unwrap();
    }
    home
}

/// Starts Python's http.server on port 8000.
fn python(address: &str, home: &Path) -> Peer {
    let mut command = Command::new("python3");
    command.args(["-u", "-m", "http.server", "8000", "--bind", address, "--directory"]).arg(home);
    let server = Peer::start(&mut command);
    server.wait_for("server", |out| out.starts_with("Serving HTTP"));
    server
}

/// Starts nginx on port 8080 of both addresses. Returns nginx and its folder, or `None` if nginx is not installed.
fn nginx(name: &str) -> Option<(Peer, PathBuf)> {
    let (mut command, home) = nginx_command(name, KERNEL)?;
    let server = Peer::start(&mut command);
    server.wait_for_log(NGINX_STARTED, 1);
    Some((server, home))
}

/// The line that nginx logs once its ports are open.
const NGINX_STARTED: &str = "using the \"epoll\" event method";

/// Returns the folder of nginx, preceded by a command that starts nginx on port 8080 of two addresses. Returns `None`
/// if nginx is not installed.
fn nginx_command(name: &str, addresses: [&str; 2]) -> Option<(Command, PathBuf)> {
    let path = std::env::var("PATH").unwrap_or_default();
    let found = path.split(':').chain(["/usr/sbin"]).map(|folder| Path::new(folder).join("nginx")).find(|p| p.exists());
    let Some(program) = found else {
        skip("nginx", "there is no nginx: install Debian's package nginx-light");
        return None;
    };
    let home = home(name);
    let [v4, v6] = addresses;
    fs::write(home.join("nginx.conf"), CONFIGURATION.replace("V4", v4).replace("V6", v6)).unwrap();
    let mut command = Command::new(program);
    command.args(["-c", "nginx.conf", "-e", "stderr", "-p"]).arg(&home);
    if rustix::process::geteuid().is_root() {
        command.args(["-g", "user root;"]);
    }
    Some((command, home))
}

/// Returns the number of IPv4 packets for which the router of this namespace has reported an error.
fn refused_v4() -> u64 {
    let counts = fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
    let mut lines = counts.lines().filter_map(|line| line.strip_prefix("Icmp: "));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let place = names.split(' ').position(|name| name == "OutDestUnreachs").unwrap();
    values.split(' ').nth(place).unwrap().parse().unwrap()
}

/// Returns the number of IPv6 packets that were too long for the router of this namespace.
fn refused_v6() -> u64 {
    let counts = fs::read_to_string("/proc/thread-self/net/snmp6").unwrap();
    counts.lines().find_map(|line| line.strip_prefix("Icmp6OutPktTooBigs")).unwrap().trim().parse().unwrap()
}

/// The configuration of nginx. With server-side includes, nginx does not know the length of a page in advance, so it
/// sends the body of /chunked/ in chunks.
const CONFIGURATION: &str = r#"
daemon off;
master_process off;
pid nginx.pid;
error_log stderr notice;
events {}
http {
    access_log off;
    client_body_temp_path temp;
    proxy_temp_path temp;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;
    server {
        listen V4:8080;
        listen [V6]:8080;
        root .;
        location /chunked/ { alias ./; ssi on; ssi_types *; }
        location = /relative { absolute_redirect off; return 301 one; }
        location = /absolute { return 302 http://$http_host/one; }
        location = /twice { return 307 /relative; }
        location = /loop { return 302 /loop; }
    }
}
"#;
