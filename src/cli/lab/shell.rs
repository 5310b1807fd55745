//! What a person can say at a step.

use smoltcp::socket::tcp::State;

use super::args::state;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Go back one step.
    Back,
    /// Drop the frame that was sent last and is still under way.
    Drop,
    /// Show the bytes of the frames under way.
    Frame,
    /// Go to a step.
    Go(u32),
    /// Show this list.
    Help,
    /// Take so many steps.
    Next(u32),
    /// End.
    Quit,
    /// Save a capture of what has happened so far.
    Save,
    /// Show both ends of every connection.
    Sockets,
    /// Run until an end reaches a state.
    Until(State),
}

/// The list of commands.
pub const HELP: &str = "\
Enter      take a step            N Enter    take N steps
u STATE    run until an end reaches it, as in u ESTABLISHED
b          go back a step         g K        go to step K
d          drop the frame in flight that was sent last
s          show both ends         f          show the frames in flight, field by field
p          save a capture         q          end
";

impl Command {
    /// Reads a line.
    ///
    /// # Errors
    /// One line that says what would be understood.
    pub fn parse(line: &str) -> Result<Command, String> {
        let mut words = line.split_whitespace();
        let (word, argument) = (words.next(), words.next());
        if words.next().is_some() {
            return Err("too many words: ? lists the commands".into());
        }
        match (word, argument) {
            (None, _) => Ok(Command::Next(1)),
            (Some("b"), None) => Ok(Command::Back),
            (Some("d"), None) => Ok(Command::Drop),
            (Some("f"), None) => Ok(Command::Frame),
            (Some("g"), Some(step)) => number(step).map(Command::Go),
            (Some("p"), None) => Ok(Command::Save),
            (Some("q"), None) => Ok(Command::Quit),
            (Some("s"), None) => Ok(Command::Sockets),
            (Some("u"), Some(name)) => state(name).map(Command::Until),
            (Some("?"), None) => Ok(Command::Help),
            (Some("g"), None) => Err("g wants a step's number, as in g 12".into()),
            (Some("u"), None) => Err("u wants a state, as in u ESTABLISHED".into()),
            (Some(count), None) if count.starts_with(|c: char| c.is_ascii_digit()) => number(count).map(Command::Next),
            (Some(word), _) => Err(format!("'{word}' is not understood: ? lists the commands")),
        }
    }
}

fn number(word: &str) -> Result<u32, String> {
    word.parse().map_err(|_| format!("'{word}' should be a number"))
}
