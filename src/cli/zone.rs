//! Removes the zone from an IPv6 address (RFC 4007 section 11), as in fe80::64%tap0. In a URL, the percent sign is
//! escaped: http://[fe80::64%25tap0]/ (RFC 6874).

use std::borrow::Cow;
use std::net::Ipv6Addr;

use percent_encoding::percent_decode_str;

/// Removes the zone from the IPv6 address in `text`. Keeps brackets, a port or a prefix. Returns any other text
/// unchanged.
///
/// # Errors
/// Fails if the zone is not `link`, the only valid zone. The error is one line.
pub fn without_zone<'t>(text: &'t str, link: &str) -> Result<Cow<'t, str>, String> {
    let Some((before, after)) = text.split_once('%') else { return Ok(text.into()) };
    let bare = before.strip_prefix('[').unwrap_or(before);
    if bare.parse::<Ipv6Addr>().is_err() {
        return Ok(text.into());
    }
    let (zone, rest) = after.split_at(after.find([']', '/']).unwrap_or(after.len()));
    if zone == link {
        return Ok(format!("{before}{rest}").into());
    }
    // Without brackets, a colon and the port after it seem to be part of the zone.
    match zone.strip_prefix(link).and_then(|rest| rest.strip_prefix(':')) {
        Some(port) => Err(format!("bad address '{text}': with a port it is [{bare}%{link}]:{port}")),
        None => Err(format!("bad address '{text}': its zone is not {link}, the link's name; write {bare}%{link}")),
    }
}

/// Removes the zone from the IPv6 address in a URL. The zone follows %25 or a single %, and is percent-encoded.
///
/// # Errors
/// Fails if the zone is not `link`. The error is one line.
pub fn url_without_zone<'t>(url: &'t str, link: &str) -> Result<Cow<'t, str>, String> {
    let start = url.find("//").map_or(0, |slashes| slashes + 2);
    let (scheme, rest) = url.split_at(start);
    // The authority contains the host. As in the `url` crate, a backslash counts as a slash.
    let authority = rest.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let Some((before, after)) = authority.split_once('%') else { return Ok(url.into()) };
    let Some((zone, _)) = after.split_once(']') else { return Ok(url.into()) };
    let bare = before.rsplit_once('[').map_or("", |(_, bare)| bare);
    if bare.parse::<Ipv6Addr>().is_err() {
        return Ok(url.into());
    }
    // The tail begins with the closing bracket.
    let tail = rest.get(before.len() + 1 + zone.len()..).unwrap_or_default();
    let name = percent_decode_str(zone.strip_prefix("25").unwrap_or(zone)).decode_utf8_lossy();
    // The second comparison finds a link whose name begins with 25, after a single %.
    if name == link || zone == link {
        return Ok(format!("{scheme}{before}{tail}").into());
    }
    Err(format!("its zone is not {link}, the link's name; write [{bare}%25{link}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_links_own_zone_is_removed() {
        for (text, plain) in [
            ("fe80::64%tap0", "fe80::64"),
            ("[fe80::64%tap0]", "[fe80::64]"),
            ("[fe80::64%tap0]:9999", "[fe80::64]:9999"),
            ("fe80::64%tap0/64", "fe80::64/64"),
            ("fe80::64", "fe80::64"),
            ("host.example:7", "host.example:7"),
            // The text is not an IPv6 address, so the zone is kept. The parser of the address reports the error.
            ("192.168.69.1%tap0", "192.168.69.1%tap0"),
            ("%tap0", "%tap0"),
        ] {
            assert_eq!(without_zone(text, "tap0").unwrap(), plain);
        }
        for (url, plain) in [
            ("http://[fe80::64%25tap0]/", "http://[fe80::64]/"),
            ("http://[fe80::64%25tap0]:8000/%41?%25", "http://[fe80::64]:8000/%41?%25"),
            ("http://[fe80::64%tap0]", "http://[fe80::64]"),
            ("http://[fe80::64%25t%61p0]#x", "http://[fe80::64]#x"),
            ("http://me@[fe80::64%25tap0]/", "http://me@[fe80::64]/"),
            ("http://host.example/[fe80::64%25eth0]", "http://host.example/[fe80::64%25eth0]"),
            ("[fe80::64%25tap0]", "[fe80::64]"),
        ] {
            assert_eq!(url_without_zone(url, "tap0").unwrap(), plain);
        }
        // The link's name is 25, so `%25` is a single % and this name.
        assert_eq!(url_without_zone("http://[fe80::64%25]/", "25").unwrap(), "http://[fe80::64]/");
    }

    #[test]
    fn another_zone_is_refused() {
        // The last three zones are an empty one, an interface index, and a zone that contains a second %.
        for text in ["fe80::64%eth0", "[fe80::64%eth0]:9999", "fe80::64%", "fe80::64%3", "fe80::64%tap0%tap0"] {
            let why = without_zone(text, "tap0").unwrap_err();
            assert!(why.ends_with("its zone is not tap0, the link's name; write fe80::64%tap0"), "{why}");
        }
        let why = without_zone("fe80::64%tap0:9999", "tap0").unwrap_err();
        assert!(why.ends_with("with a port it is [fe80::64%tap0]:9999"), "{why}");
        for url in ["http://[fe80::64%25eth0]/", "http://[fe80::64%25]/", "http://[fe80::64%eth0]:80"] {
            let why = url_without_zone(url, "tap0").unwrap_err();
            assert!(why.ends_with("write [fe80::64%25tap0]"), "{why}");
        }
    }
}
