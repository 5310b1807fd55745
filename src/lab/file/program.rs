//! Parses the programs of the hosts and their steps.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use smoltcp::time::Duration;

use super::values::{self, whole};
use super::words::{FileError, Words};
use super::{SIDES, keyword, side};
use crate::app::{self, App};
use crate::lab::{Moment, Setup};

/// The maximum number of bytes that one step reads or sends. Running a step of this size takes about a second.
const MOST_BYTES: u64 = 16 << 20;

/// The maximum number of steps in one program.
const MOST_STEPS: usize = MOST_TEXTS;

/// The maximum number of messages that one client sends.
const MOST_TEXTS: usize = 10_000;

/// A program of a host.
#[derive(Clone, Debug)]
pub(super) struct Program {
    /// The line's number in the file.
    pub(super) line: usize,
    /// The word that determines the port, and its column. The word is the port itself, or the name of a program of this
    /// crate.
    pub(super) port_word: (String, usize),
    pub(super) host: usize,
    pub(super) role: Role,
    pub(super) steps: Vec<Step>,
}

/// The role of a program, from the line that begins it.
#[derive(Clone, Debug)]
pub(super) enum Role {
    /// Calls port `remote` of the other host, at the time `at`. `local` is the local port; 0 means any free port.
    Calls { remote: u16, local: u16, at: Moment },
    /// Listens on a port. `serves` is the number of connections served at the same time. `None` means the stack's
    /// default.
    Listens { port: u16, serves: Option<usize>, backlog: Option<usize> },
    /// The client of a program of this crate, such as greeting.
    Client { app: App, udp: bool, texts: Vec<String> },
    /// The server of a program of this crate, such as greeting.
    Server { app: App, udp: bool },
}

/// A step like [`ScriptStep`](crate::lab::ScriptStep), except that it owns its text.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Abort,
    Close,
    HalfClose,
    Read(usize),
    ReadToEnd,
    Send(String),
    SendBytes(usize),
    Wait { millis: u32, trips: u32 },
}

impl Program {
    /// Returns the number of calls that the program schedules.
    pub(super) fn calls(&self) -> usize {
        match &self.role {
            Role::Calls { .. } => 1,
            // The client makes a call for each text.
            Role::Client { app, udp: false, texts } if app.takes_one_message() => texts.len(),
            Role::Client { udp: false, .. } => 1,
            // Servers make no calls, and UDP clients need none.
            _ => 0,
        }
    }

    /// Parses the line of a step, and adds the step to the program.
    pub(super) fn step(&mut self, mut words: Words<'_>) -> Result<(), FileError> {
        if matches!(self.role, Role::Client { .. } | Role::Server { .. }) {
            return Err(words.error("a program with a name has no steps: use 'listens' or 'calls' instead of 'runs'"));
        }
        if self.steps.len() == MOST_STEPS {
            return Err(words.error(format!("a program takes at most {MOST_STEPS} steps")));
        }
        if self.steps.last().is_some_and(|last| matches!(last, Step::Abort | Step::Close)) {
            return Err(words.error("the program has ended: 'close' or 'abort' is the last step"));
        }
        // A number of bytes that exceeds the limit is reported with a message of its own.
        let bytes = |words: &mut Words<'_>, expected: &str| {
            let count = words.peek().and_then(whole(1..=u64::MAX));
            if count.is_some_and(|count| count > MOST_BYTES) {
                let message = format!("a step takes at most {MOST_BYTES} bytes (16 MiB): write several steps");
                return Err(words.error(message));
            }
            words.parse(expected, |word| usize::try_from(whole(1..=MOST_BYTES)(word)?).ok())
        };
        let step = match words.next() {
            Some("abort") => Step::Abort,
            Some("close") => Step::Close,
            Some("half-close") => Step::HalfClose,
            Some("read") => {
                let reads_to_end = words.take("to");
                if reads_to_end {
                    keyword(&mut words, "end")?;
                    Step::ReadToEnd
                } else {
                    Step::Read(bytes(&mut words, "to end, or a number of bytes from 1 to 16777216")?)
                }
            }
            Some("send") if words.is_quoted() => Step::Send(words.quoted()?),
            Some("send") => {
                const SENT: &str =
                    "a text in quotation marks, or a number of bytes from 1 to 16777216, as in 5000 bytes";
                let count = bytes(&mut words, SENT)?;
                // The word `bytes` after a number is optional.
                words.take("bytes");
                Step::SendBytes(count)
            }
            // The remaining word is `wait`.
            _ => {
                keyword(&mut words, "until")?;
                let Moment { time, trips } = words.parse(values::MOMENT, values::moment)?;
                let millis = u32::try_from(time.total_millis()).ok();
                // A step stores whole milliseconds, in 32 bits.
                match millis.filter(|_| time.total_micros() % 1000 == 0) {
                    Some(millis) => Step::Wait { millis, trips },
                    None => return Err(words.error("a wait ends at a whole millisecond, within 49 days")),
                }
            }
        };
        // As after `send`, the word `bytes` is optional.
        if matches!(step, Step::Read(_)) {
            words.take("bytes");
        }
        words.end()?;
        self.steps.push(step);
        Ok(())
    }
}

const VERBS: &str = "listens, calls, runs or sends";

/// Parses the line that begins a program. `runs` is the program that the server runs, and whether it uses UDP.
///
/// A line `server runs` changes `runs`. A later line `client sends` takes the client's program from `runs`.
pub(super) fn head(mut words: Words<'_>, runs: &mut Option<(App, bool)>) -> Result<Program, FileError> {
    let line = words.line();
    let host = words.parse(SIDES, side)?;
    let verb = words.peek();
    let mut after_verb = words.clone();
    after_verb.next();
    let port_word = (after_verb.peek().unwrap_or_default().into(), after_verb.next_column());
    let role = match verb {
        // Only the server listens, and only the client sends.
        Some("listens" | "sends") if (verb == Some("listens")) != (host == 1) => {
            return Err(words.error(match host {
                1 => "the server does not send by itself: use 'server listens' or 'server runs'",
                _ => "only the server listens: use 'client calls' or 'client runs'",
            }));
        }
        Some("listens") => {
            words.next();
            listens(&mut words)?
        }
        Some("calls") => {
            words.next();
            calls(&mut words)?
        }
        Some("sends") => {
            let Some((app, udp)) = *runs else {
                return Err(words.error("which program sends? Put a line such as 'server runs greeting' above"));
            };
            // `client` reads the word `sends`.
            client(&mut words, app, udp)?
        }
        Some("runs") => {
            words.next();
            let app = words.parse("a program, as in greeting; 'smolstep apps' lists the programs", app::find)?;
            let mut udp = app.tcp.is_none();
            if words.take("over") {
                let over_udp = words.parse("tcp or udp", |word| match word {
                    "tcp" => Some(false),
                    "udp" => Some(true),
                    _ => None,
                })?;
                if udp && !over_udp {
                    return Err(words.error(format!("{} has no TCP side: leave out 'over tcp'", app.name)));
                }
                udp = over_udp;
            }
            if host == 1 {
                *runs = Some((app, udp));
                Role::Server { app, udp }
            } else {
                client(&mut words, app, udp)?
            }
        }
        Some(_) => return Err(words.unfit(VERBS)),
        None => return Err(words.missing(VERBS)),
    };
    words.end()?;
    // Not every program has a client and a server that the lab can run over this protocol.
    if let Role::Client { app, udp, .. } | Role::Server { app, udp } = &role
        && let Err(error) = Setup::program(app, &[], *udp)
    {
        return Err(FileError { line, column: 1, message: format!("{error}") });
    }
    Ok(Program { line, port_word, host, role, steps: Vec::new() })
}

const PORT: &str = "a port from 1 to 65535, as in 7000";

/// Parses a port number.
fn port(word: &str) -> Option<u16> {
    word.parse().ok().filter(|port| *port > 0)
}

/// Parses `PORT [serves COUNT] [backlog COUNT]`, after `listens`.
fn listens(words: &mut Words<'_>) -> Result<Role, FileError> {
    const COUNT: &str = "a number from 1 to 1000";
    let port = words.parse(PORT, port)?;
    let (mut serves, mut backlog) = (None, None);
    loop {
        let value = match words.peek() {
            None => return Ok(Role::Listens { port, serves, backlog }),
            Some("serves") => &mut serves,
            Some("backlog") => &mut backlog,
            Some(_) => return Err(words.unfit("serves COUNT or backlog COUNT")),
        };
        words.next();
        *value = Some(words.parse(COUNT, |word| usize::try_from(whole(1..=1000)(word)?).ok())?);
    }
}

/// Parses `PORT [at TIME] [from PORT]`, after `calls`.
fn calls(words: &mut Words<'_>) -> Result<Role, FileError> {
    let remote = words.parse(PORT, port)?;
    // Without `from`, the local port is 0, which means any free port.
    let (mut local, mut at) = (0, Moment::from(Duration::ZERO));
    loop {
        match words.peek() {
            None => return Ok(Role::Calls { remote, local, at }),
            Some("at") => {
                words.next();
                at = words.parse(values::MOMENT, values::moment)?;
            }
            Some("from") => {
                words.next();
                local = words.parse(PORT, port)?;
            }
            Some(_) => return Err(words.unfit("at TIME or from PORT")),
        }
    }
}

/// Parses `sends TEXT...`, the last part of a client's line. `app` and `udp` are the program that the client runs, and
/// whether it uses UDP.
fn client(words: &mut Words<'_>, app: App, udp: bool) -> Result<Role, FileError> {
    keyword(words, "sends")?;
    let mut texts = Vec::new();
    // At least one text is needed. If it is missing, `quoted` reports this.
    while texts.is_empty() || words.is_quoted() {
        if texts.len() == MOST_TEXTS {
            return Err(words.error(format!("a client sends at most {MOST_TEXTS} texts")));
        }
        texts.push(words.quoted()?);
    }
    Ok(Role::Client { app, udp, texts })
}
