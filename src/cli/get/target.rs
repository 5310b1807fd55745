//! The URL of a request or of a redirect, parsed according to RFC 3986 and the WHATWG URL standard.

use core::fmt;

use url::{Host, ParseError, Position, Url};

use crate::cli::error::Failure;
use crate::cli::zone::url_without_zone;
use crate::names::{Name, NameError};

/// The number of characters after which a message cuts off a URL.
const SHOWN: usize = 200;

/// An http URL with a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
}

impl Target {
    /// Parses a URL from the command line. If the URL contains an IPv6 address with a zone, the zone must be `link`.
    /// The zone is removed.
    ///
    /// # Errors
    /// The error's message is one line that describes the problem.
    pub fn parse(text: &str, link: &str) -> Result<Target, Failure> {
        let bad = |why: &dyn fmt::Display| Failure::run(format_args!("bad URL '{}': {why}", shorten(text)));
        match Url::parse(&url_without_zone(text, link).map_err(|why| bad(&why))?) {
            Err(ParseError::RelativeUrlWithoutBase) => Err(bad(&"write it like http://HOST/PATH")),
            // A text without slashes is probably HOST:PORT, not a URL with a scheme.
            Ok(url) if url.cannot_be_a_base() => Err(bad(&"write it like http://HOST/PATH")),
            Err(ParseError::EmptyHost) => Err(bad(&"it names no host")),
            Err(ParseError::IdnaError | ParseError::InvalidDomainCharacter) => Err(bad(&NameError::BadCharacter)),
            Err(ParseError::InvalidPort) if has_bare_ipv6(text) => {
                Err(bad(&"an IPv6 address needs brackets, as in http://[fdaa::64]:8000/"))
            }
            Err(error) => Err(bad(&error)),
            Ok(url) => {
                // The URL standard takes the first word of http:///PATH as the host. The user probably forgot the host.
                let hostless =
                    url.scheme() == "http" && !text.split_once("//").is_some_and(|(_, rest)| begins_with_host(rest));
                if hostless {
                    return Err(bad(&"it names no host"));
                }
                check(&url).map_err(|why| bad(&why))?;
                Ok(Target { url })
            }
        }
    }

    /// Resolves the `Location` of a redirect against this URL (RFC 9110 section 10.2.2).
    ///
    /// # Errors
    /// The error's message is one line that says why the redirect cannot be followed.
    pub fn redirected(&self, location: &[u8]) -> Result<Target, Failure> {
        // The text comes from the server, so control characters are escaped for the terminal.
        let shown = String::from_utf8_lossy(location).escape_debug().to_string();
        let bad =
            |why: &dyn fmt::Display| Failure::run(format_args!("{self}: redirected to '{}': {why}", shorten(&shown)));
        let text = core::str::from_utf8(location).map_err(|_| bad(&"that is not a URL"))?;
        let url = self.url.join(text).map_err(|error| bad(&error))?;
        check(&url).map_err(|why| bad(&why))?;
        Ok(Target { url })
    }

    /// Returns the host: a name or an address. An IPv6 address is in brackets.
    pub fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Returns whether the host is a name.
    pub fn is_named(&self) -> bool {
        matches!(self.url.host(), Some(Host::Domain(_)))
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.url.port().unwrap_or(80)
    }

    /// Returns the host, and the port unless it is 80, as in the `Host` field of a request.
    pub fn authority(&self) -> String {
        self.url[Position::BeforeHost..Position::AfterPort].to_owned()
    }

    /// Returns the path and the query, as in the request line.
    pub fn path_and_query(&self) -> String {
        self.url[Position::BeforePath..Position::AfterQuery].to_owned()
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shorten(self.url.as_str()))
    }
}

/// Returns whether `rest`, the text after a URL's slashes, begins with a host.
fn begins_with_host(rest: &str) -> bool {
    !rest.is_empty() && !rest.starts_with(['/', '\\', '?', '#', ':'])
}

/// Returns whether the host looks like an IPv6 address without brackets.
fn has_bare_ipv6(url: &str) -> bool {
    // Part 0 is the scheme, part 1 is the empty text between the two slashes, and part 2 is the authority.
    let authority = url.split(['/', '\\', '?', '#']).nth(2).unwrap_or_default();
    !authority.contains('[') && authority.matches(':').count() > 1
}

/// Checks that smolstep can fetch the URL. The error says why it cannot.
fn check(url: &Url) -> Result<(), String> {
    let why = match (url.scheme(), url.host()) {
        ("https", _) => "https is not supported, because smolstep has no TLS: use http",
        ("http", None) => "it names no host",
        ("http", Some(_)) if !url.username().is_empty() || url.password().is_some() => {
            "a user name or password in it is not supported: leave it out"
        }
        ("http", Some(_)) if url.port() == Some(0) => "port 0 cannot be connected to",
        ("http", Some(Host::Domain(name))) => return Name::new(name).map(drop).map_err(|error| error.to_string()),
        ("http", Some(_)) => return Ok(()),
        _ => "only http is supported",
    };
    Err(why.to_owned())
}

/// Cuts `text` after [`SHOWN`] characters, and adds an ellipsis if the text was longer.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_split_into_authority_port_and_path() {
        for (url, authority, port, path) in [
            ("http://192.168.69.100", "192.168.69.100", 80, "/"),
            ("http://[fe80::64%25tap0]/", "[fe80::64]", 80, "/"),
            ("HTTP://192.168.69.100:80/", "192.168.69.100", 80, "/"),
            ("http://192.168.69.100:8000/a/b?c=d&e#f", "192.168.69.100:8000", 8000, "/a/b?c=d&e"),
            ("http://[fdaa::64]:8000?x", "[fdaa::64]:8000", 8000, "/?x"),
            ("http://[FDAA:0:0::64]/%41/../b c", "[fdaa::64]", 80, "/b%20c"),
            ("http://Name.Example/\u{e9}", "name.example", 80, "/%C3%A9"),
            ("http://b\u{fc}cher.example/", "xn--bcher-kva.example", 80, "/"),
        ] {
            let target = Target::parse(url, "tap0").unwrap();
            assert_eq!((target.authority(), target.port()), (authority.into(), port), "{url}");
            assert_eq!(target.path_and_query(), path, "{url}");
        }
    }

    #[test]
    fn an_unsupported_url_is_rejected_with_a_reason() {
        for (url, why) in [
            ("", "write it like http://HOST/PATH"),
            ("page.html", "write it like http://HOST/PATH"),
            ("192.168.69.100/x", "write it like http://HOST/PATH"),
            ("localhost:8000/x", "write it like http://HOST/PATH"),
            ("http:page", "names no host"),
            ("http://", "names no host"),
            ("http:///page", "names no host"),
            ("http://:80/", "names no host"),
            ("http://?x", "names no host"),
            ("https://192.168.69.100/", "https is not supported, because smolstep has no TLS"),
            ("ftp://192.168.69.100/", "only http is supported"),
            ("file:///etc/passwd", "only http is supported"),
            ("http://me:secret@192.168.69.100/", "user name or password"),
            ("http://192.168.69.100:0/", "port 0"),
            ("http://192.168.69.100:99999/", "port"),
            ("http://192.168.69.300/", "IPv4"),
            ("http://fdaa::64/", "an IPv6 address needs brackets"),
            ("http://fdaa::64:8000/", "an IPv6 address needs brackets"),
            ("http://fe80::64%25tap0/", "an IPv6 address needs brackets"),
            // The colon in the path does not make the host look like an IPv6 address.
            ("http://192.168.69.100:99999/a:b", "invalid port number"),
            ("http://[fdaa::64/", "IPv6"),
            ("http://[fe80::1%25eth0]/", "its zone is not tap0"),
            ("http://a b/", "a host's name has letters, digits, hyphens and dots"),
            ("http://a..b/", "bad URL 'http://a..b/'"),
        ] {
            let failure = Target::parse(url, "tap0").unwrap_err().to_string();
            assert!(failure.contains(why), "{url}: {failure}");
        }
    }

    /// A valid location is resolved, and an invalid one is rejected with the reason. No message contains an escape
    /// character.
    #[test]
    fn redirects_are_resolved_against_the_current_url() {
        let from = Target::parse("http://192.168.69.100:8000/a/b?c", "tap0").unwrap();
        for (location, to) in [
            (&b"d"[..], "http://192.168.69.100:8000/a/d"),
            (b"/d", "http://192.168.69.100:8000/d"),
            (b"../../d", "http://192.168.69.100:8000/d"),
            (b"?d", "http://192.168.69.100:8000/a/b?d"),
            (b"", "http://192.168.69.100:8000/a/b?c"),
            (b"//[fdaa::64]/d", "http://[fdaa::64]/d"),
            (b"http://192.168.69.1", "http://192.168.69.1/"),
            (b"/\xc3\xa9", "http://192.168.69.100:8000/%C3%A9"),
        ] {
            assert_eq!(from.redirected(location).unwrap().to_string(), to, "{}", location.escape_ascii());
        }
        for (location, why) in [
            (&b"https://192.168.69.100/"[..], "https is not supported"),
            (b"javascript:alert(1)", "only http is supported"),
            (b"http://a@192.168.69.1/", "user name or password"),
            (b"/\xff", "not a URL"),
            (b"//", "host"),
            (b"http://\x1b[31m/", "'http://\\u{1b}[31m/'"),
            ("http://\u{202e}x/".as_bytes(), "'http://\\u{202e}x/'"),
        ] {
            let failure = from.redirected(location).unwrap_err().to_string();
            assert!(failure.contains(why) && !failure.contains('\x1b'), "{}: {failure}", location.escape_ascii());
        }
    }
}
