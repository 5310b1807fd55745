//! Parses the calls that a script's program makes: `write(4, ..., 1000) = 1000`.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use smoltcp::time::Duration;

use super::scan::{Error, Scanner};
use super::time::{When, seconds};

/// A call that the program makes.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) function: Function,
    /// The time at which a call that waits returns, or `None` if the call returns at once. Like the start of the call,
    /// the time is relative to the start of the script or to the previous line.
    pub(super) until: Option<Duration>,
    pub(super) result: Outcome,
}

/// A function with its arguments. The first number is the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Accept(u32),
    Bind(u32),
    Close(u32),
    Connect(u32),
    /// The socket, and whether `close` sends RST. SO_LINGER with a time of 0 asks for RST.
    Linger(u32, bool),
    Listen(u32, u32),
    /// A call that has no effect in the lab. Its result is not compared.
    Option(u32),
    Read(u32, u32),
    /// The socket and whether the call closes the sending direction.
    Shutdown(u32, bool),
    Socket,
    Write(u32, u32),
}

impl Function {
    /// Returns the name that messages use for the function. Functions that the lab treats alike, such as `read` and
    /// `recv`, have one name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Function::Accept(_) => "accept",
            Function::Bind(_) => "bind",
            Function::Close(_) => "close",
            Function::Connect(_) => "connect",
            Function::Linger(..) | Function::Option(_) => "setsockopt",
            Function::Listen(..) => "listen",
            Function::Read(..) => "read",
            Function::Shutdown(..) => "shutdown",
            Function::Socket => "socket",
            Function::Write(..) => "write",
        }
    }
}

/// The result of a call: a number, or -1 and an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// -1 and the error's name, which is empty if the script writes only -1.
    Error(String),
    Number(u32),
}

impl fmt::Display for Outcome {
    /// Writes the result as a script does. An error without a name is only -1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Error(name) if name.is_empty() => f.write_str("-1"),
            Outcome::Error(name) => write!(f, "-1 {name}"),
            Outcome::Number(number) => write!(f, "{number}"),
        }
    }
}

/// The sockets that are open at a line of a script, and the settings of the stack that the calls determine.
#[derive(Default)]
pub(super) struct Sockets {
    open: Vec<u32>,
    pub(super) connects: bool,
    listens: bool,
    pub(super) receive: Option<usize>,
    pub(super) send: Option<usize>,
}

/// The largest socket number.
const LARGEST: u32 = 1023;

/// The maximum number of bytes in a call, and in a buffer.
const MOST_BYTES: u32 = 1 << 20;

/// The smallest and the largest buffer that an option can set, in bytes.
const BUFFERS: core::ops::RangeInclusive<u32> = 256..=MOST_BYTES;

const FUNCTIONS: &str = "<, > or a call: socket, bind, listen, accept, connect, read, recv, recvfrom, write, send, sendto, \
                         close, shutdown, setsockopt, getsockopt or fcntl";
const RESULT: &str = "= and the result of the call";
const ARGUMENTS: &str = "the arguments of the call";
const COUNT: &str = "a number of bytes from 0 to 1048576";
const ONE: &str = "left out: a script has one connection, by one listen or one connect";

/// Reads the call in a line, after the time at which the call starts. Adds a socket that the call opens to `sockets`,
/// and removes one that it closes.
pub(super) fn scan(scanner: &mut Scanner<'_>, when: When, sockets: &mut Sockets) -> Result<Call, Error> {
    // `...TIME` says when a call that waits returns.
    let until = match scanner.eat("...") {
        true => {
            // An error about the time points at its start.
            let mut at_until = *scanner;
            let until = seconds(scanner)?;
            match when {
                // Both times have the same base. A call can return at the time at which it starts.
                When::Since(from, _) | When::After(from, _) if from <= until => Some(until),
                _ => return Err(at_until.expected("later than the start of the call")),
            }
        }
        false => None,
    };
    let mut at_name = *scanner;
    let name = scanner.word();
    if !NAMES.contains(&name) {
        return Err(at_name.expected(FUNCTIONS));
    }
    scanner.need("(", ARGUMENTS)?;
    let function = sockets.function(name, scanner, &mut at_name)?;
    rest_of_arguments(scanner)?;
    scanner.need("=", RESULT)?;
    let mut at_result = *scanner;
    let result = outcome(scanner)?;
    // A later line can name only a socket that is still open.
    match (function, &result) {
        (Function::Socket | Function::Accept(_), Outcome::Number(number)) => {
            if sockets.open.contains(number) {
                return Err(at_result.expected("the number of a socket that is not open yet"));
            }
            sockets.open.push(*number);
        }
        (Function::Close(socket), _) => sockets.open.retain(|open| *open != socket),
        _ => {}
    }
    Ok(Call { function, until, result })
}

/// The functions that a script can call.
const NAMES: [&str; 16] = [
    "accept",
    "bind",
    "close",
    "connect",
    "fcntl",
    "getsockopt",
    "listen",
    "read",
    "recv",
    "recvfrom",
    "send",
    "sendto",
    "setsockopt",
    "shutdown",
    "socket",
    "write",
];

impl Sockets {
    /// Reads those arguments of function `name` that have an effect. A script can contain only one `listen` or
    /// `connect`. An error about the function points at `at_name`.
    fn function(
        &mut self,
        name: &str,
        scanner: &mut Scanner<'_>,
        at_name: &mut Scanner<'_>,
    ) -> Result<Function, Error> {
        if name == "socket" {
            return tcp_over_ipv4(scanner).map(|()| Function::Socket);
        }
        let socket = self.socket(scanner)?;
        if matches!(name, "listen" | "connect") {
            if self.listens || self.connects {
                return Err(at_name.expected(ONE));
            }
            (self.listens, self.connects) = (name == "listen", name == "connect");
        }
        Ok(match name {
            "accept" => Function::Accept(socket),
            "bind" => Function::Bind(socket),
            "close" => Function::Close(socket),
            "connect" => Function::Connect(socket),
            "listen" => {
                comma(scanner)?;
                Function::Listen(socket, scanner.number(65_535, "a backlog from 0 to 65535")?)
            }
            "read" | "recv" | "recvfrom" => Function::Read(socket, count(scanner)?),
            "send" | "sendto" | "write" => Function::Write(socket, count(scanner)?),
            "setsockopt" => self.option(socket, scanner)?,
            "shutdown" => {
                const HOW: &str = "SHUT_RD, SHUT_WR or SHUT_RDWR";
                comma(scanner)?;
                let mut at_how = *scanner;
                // Only a call that closes the sending direction has an effect.
                match scanner.word() {
                    "SHUT_RD" => Function::Shutdown(socket, false),
                    "SHUT_WR" | "SHUT_RDWR" => Function::Shutdown(socket, true),
                    _ => return Err(at_how.expected(HOW)),
                }
            }
            // `fcntl` and `getsockopt`.
            _ => Function::Option(socket),
        })
    }

    /// Reads the number of an open socket.
    fn socket(&self, scanner: &mut Scanner<'_>) -> Result<u32, Error> {
        const OPEN: &str = "the number of a socket that is open";
        let mut here = *scanner;
        let socket = scanner.number(LARGEST, OPEN)?;
        if self.open.contains(&socket) { Ok(socket) } else { Err(here.expected(OPEN)) }
    }

    /// Reads the level and the name of a socket option, and its value if the option has an effect. Stores a buffer
    /// size.
    fn option(&mut self, socket: u32, scanner: &mut Scanner<'_>) -> Result<Function, Error> {
        comma(scanner)?;
        // Skip the level, such as SOL_SOCKET.
        argument(scanner)?;
        comma(scanner)?;
        match scanner.word() {
            name @ ("SO_RCVBUF" | "SO_SNDBUF") => {
                const SIZE: &str = "a size in brackets from 256 to 1048576, as in [4096]";
                comma(scanner)?;
                scanner.need("[", SIZE)?;
                let mut at_size = *scanner;
                let size = scanner.number(*BUFFERS.end(), SIZE)?;
                if !BUFFERS.contains(&size) {
                    return Err(at_size.expected(SIZE));
                }
                scanner.need("]", SIZE)?;
                let buffer = if name == "SO_RCVBUF" { &mut self.receive } else { &mut self.send };
                // The buffers are made before the run, so only the first size counts.
                buffer.get_or_insert(size as usize);
                Ok(Function::Option(socket))
            }
            "SO_LINGER" => {
                const LINGER: &str = "two numbers, as in {onoff=1, linger=0}";
                comma(scanner)?;
                scanner.need("{", LINGER)?;
                scanner.need("onoff", LINGER)?;
                scanner.need("=", LINGER)?;
                let on = scanner.number(1, LINGER)?;
                scanner.need(",", LINGER)?;
                scanner.need("linger", LINGER)?;
                scanner.need("=", LINGER)?;
                let seconds = scanner.number(u32::MAX, LINGER)?;
                scanner.need("}", LINGER)?;
                // `close` sends RST only if lingering is on and the linger time is 0.
                let aborts = on == 1 && seconds == 0;
                Ok(Function::Linger(socket, aborts))
            }
            _ => Ok(Function::Option(socket)),
        }
    }
}

/// Reads the arguments of `socket`, which must ask for TCP over IPv4. `...` stands for any of them, and for the rest.
fn tcp_over_ipv4(scanner: &mut Scanner<'_>) -> Result<(), Error> {
    const VALID: [(&[&str], &str); 3] = [
        (&["AF_INET"], "... or AF_INET: the lab runs TCP over IPv4"),
        (&["SOCK_STREAM"], "... or SOCK_STREAM: the lab runs TCP over IPv4"),
        (&["IPPROTO_TCP", "0", "6"], "..., IPPROTO_TCP, 0 or 6: the lab runs TCP over IPv4"),
    ];
    for (index, (words, expected)) in VALID.into_iter().enumerate() {
        if index > 0 && !scanner.eat(",") {
            break;
        }
        let mut here = *scanner;
        if !scanner.eat("...") && !words.contains(&scanner.word()) {
            return Err(here.expected(expected));
        }
    }
    if scanner.peek() == Some(')') { Ok(()) } else { Err(scanner.expected("the rest of the arguments, and )")) }
}

/// Reads the comma before the next argument.
fn comma(scanner: &mut Scanner<'_>) -> Result<(), Error> {
    scanner.need(",", "a comma and the next argument")
}

/// Skips the argument for the buffer, and reads the number of bytes.
fn count(scanner: &mut Scanner<'_>) -> Result<u32, Error> {
    comma(scanner)?;
    argument(scanner)?;
    comma(scanner)?;
    scanner.number(MOST_BYTES, COUNT)
}

/// Skips an argument: everything up to a comma or to the closing bracket of the call.
fn argument(scanner: &mut Scanner<'_>) -> Result<(), Error> {
    let mut depth = 0_usize;
    while let Some(next) = scanner.peek() {
        match next {
            ',' | ')' if depth == 0 => return Ok(()),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => match depth.checked_sub(1) {
                Some(less) => depth = less,
                // This bracket has no opening bracket.
                None => break,
            },
            '"' => {
                string(scanner)?;
                continue;
            }
            // These characters occur in no argument outside a string, so this argument has no end.
            '`' | '%' | ';' => break,
            _ => {}
        }
        // Skip a whole word, or else one character.
        let word = scanner.peek_word().len();
        scanner.advance(word.max(next.len_utf8()));
    }
    Err(scanner.expected("the rest of the arguments, and )"))
}

/// Skips a text in quotation marks.
fn string(scanner: &mut Scanner<'_>) -> Result<(), Error> {
    let mut at_start = *scanner;
    let rest = scanner.rest();
    let mut escaped = false;
    // The first character is the opening quotation mark.
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '"' if !escaped => {
                scanner.advance(at + 1);
                return Ok(());
            }
            '\n' => break,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    Err(at_start.expected("the start of a text with a quotation mark at its end"))
}

/// Skips the remaining arguments and the closing bracket.
fn rest_of_arguments(scanner: &mut Scanner<'_>) -> Result<(), Error> {
    loop {
        argument(scanner)?;
        if scanner.eat(")") {
            return Ok(());
        }
        comma(scanner)?;
    }
}

/// Reads a result: a number, or -1 and optionally the name of an error. A note in brackets is skipped.
fn outcome(scanner: &mut Scanner<'_>) -> Result<Outcome, Error> {
    let result = if scanner.eat("-") {
        scanner.need("1", "1: the result of a call that fails is -1")?;
        let name = scanner.peek_word();
        let is_error = name.starts_with('E') && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        Outcome::Error(if is_error { scanner.word().into() } else { String::new() })
    } else {
        Outcome::Number(
            scanner.number(MOST_BYTES, "the result of the call: a number up to 1048576, or -1 and an error")?,
        )
    };
    // A note, as in `-1 EAGAIN (Resource temporarily unavailable)`.
    if scanner.eat("(") {
        rest_of_arguments(scanner)?;
    }
    Ok(result)
}
