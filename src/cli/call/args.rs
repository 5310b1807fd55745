//! The arguments of `smolstep call`.

use std::ffi::OsString;
use std::net::Ipv6Addr;
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use clap::Args;

use crate::app::{App, CONSOLE, Program};
use crate::cli::addr_text::host_and_port;
use crate::cli::error::Failure;
use crate::cli::link::{Link, LinkArgs};
use crate::cli::programs::{program_names, programs};
use crate::cli::tcp::TcpArgs;
use crate::cli::values::{fraction, positive, whole};

/// Call a program's server
#[derive(Args, Clone, Debug)]
#[command(after_help = format!("{}
Examples:
  smolstep call greeting 192.168.69.100 Li Cheng --tap tap0
  smolstep call echo '[fdaa::64]:4000' --udp --tap tap0 hello
  smolstep call greeting host.example Li --tap tap0 --dhcp
  ls | smolstep call upper 192.168.69.100 - --tap tap0", programs()))]
pub struct CallArgs {
    /// The program to call
    #[arg(value_name = "APP")]
    pub app: String,
    /// The server's IP address or name [default port: see the list below]
    #[arg(value_name = "HOST[:PORT]")]
    pub host: String,
    /// The messages to send; - stands for the lines of standard input [default: Li, Cheng and victor for greeting; one
    /// line of standard input for ack, thanks and upper over TCP; - for other programs, or AAABBBCCC for inbox if
    /// standard input is empty]
    #[arg(value_name = "TEXT")]
    pub texts: Vec<OsString>,
    #[command(flatten)]
    pub link: LinkArgs,
    #[command(flatten)]
    pub tcp: TcpArgs,
    /// Use UDP instead of TCP; inbox always uses UDP
    #[arg(long)]
    pub udp: bool,
    /// Give up when the lookup, the connection or a reply takes longer than TIME
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = positive)]
    pub timeout: Duration,
    /// greeting: send N random numbers from 0 to 1 [default: TEXT]
    #[arg(long, value_name = "N", conflicts_with = "texts", value_parser = whole::<u16>(1..=65_535, "20"))]
    pub random: Option<u16>,
    /// inbox: send without waiting for replies
    #[arg(long)]
    pub no_wait: bool,
    /// discard: send N bytes; chargen: stop after N bytes [default: discard sends TEXT, chargen does not stop]
    #[arg(long, value_name = "N", value_parser = whole::<u64>(0..=u64::MAX, "1000000"))]
    pub bytes: Option<u64>,
}

impl CallArgs {
    /// Returns the server's host, without a zone, and its port. If the command line names no port, returns the default
    /// port of `app` for the transport. Fails if `--udp` is given and `app` has no UDP server.
    pub(super) fn remote(&self, app: &App, link: &Link) -> Result<(String, u16), Failure> {
        // Without --udp, UDP is used only for a program that has no TCP server.
        let default_port = match (self.udp, app.tcp, app.udp) {
            (false, Some(port), _) | (false, None, Some(port)) | (true, _, Some(port)) => port,
            _ => return Err(Failure::usage(format_args!("{} has no UDP side: leave --udp out", app.name))),
        };
        let text = link.without_zone(&self.host)?;
        if let Some((host, port)) = host_and_port(&text, default_port) {
            return Ok((host.to_owned(), port));
        }
        Err(Failure::usage(match bracketed(&text) {
            Some(meant) => format!("bad address '{}': with a port it is {meant}", self.host),
            None => format!(
                "bad address '{}': it must be an IP address or a name, with a port as in 192.168.69.1:9999 or [fdaa::1]:9999",
                self.host
            ),
        }))
    }

    /// Returns the texts to send: random numbers, the TEXTs, or the default of greeting. If the list is empty, the
    /// client reads standard input. Rejects an option that is not for `app`.
    pub(super) fn texts(&self, app: &App) -> Result<Vec<OsString>, Failure> {
        for (flag, is_given, programs) in [
            ("--random", self.random.is_some(), &[Program::Greeting][..]),
            ("--no-wait", self.no_wait, &[Program::Inbox]),
            ("--bytes", self.bytes.is_some(), &[Program::Discard, Program::Chargen]),
        ] {
            if is_given && !programs.contains(&app.program) {
                let names = program_names(programs);
                return Err(Failure::usage(format_args!("{flag} is for {names}, not for {}", app.name)));
            }
        }
        if self.texts.iter().filter(|text| text.as_bytes() == CONSOLE).count() > 1 {
            return Err(Failure::usage("standard input can be read only once: give - as a TEXT once"));
        }
        match (self.random, &self.texts[..], app.program) {
            (Some(count), _, _) => {
                (0..count).map(|_| getrandom::u64().map(|n| fraction(n).into()).map_err(Failure::run)).collect()
            }
            (None, [], Program::Greeting) => Ok(["Li", "Cheng", "victor"].map(OsString::from).into()),
            (None, texts, _) => Ok(texts.to_vec()),
        }
    }
}

/// Returns `text` with the missing brackets if it looks like an IPv6 address with a port.
pub(super) fn bracketed(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse::<u16>().ok().filter(|&port| digits && port != 0)?;
    host.parse::<Ipv6Addr>().is_ok().then(|| format!("[{host}]:{port}"))
}
