//! Edits a line at a terminal while other lines are printed above it.
//!
//! The editor reads the keyboard on its own thread, and writes finished lines to a socket. The poll loop waits for this
//! socket like any other file. A second thread prints, because printing can block until the editor is ready, and the
//! poll loop must not block.

mod hooks;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{ColorMode, Config, ExternalPrinter};

use hooks::Hooks;

/// The editor of a terminal. Dropping the editor restores the terminal's settings.
pub(super) struct Editor {
    shared: Arc<Shared>,
    typed: UnixStream,
    /// Keeps the other end of `typed` open. Otherwise, `typed` would report its end when the editor's thread stops.
    _keyboard: UnixStream,
    /// The terminal's settings before the editor started.
    before: Termios,
    /// Text after the last LF, kept until the rest of the line arrives.
    partial: Vec<u8>,
}

/// The largest number of bytes that can wait to be printed. Further text is dropped.
const WAITING: usize = 1 << 20;

/// The longest time to wait for the remaining text to be printed when the editor is dropped.
const FAREWELL: Duration = Duration::from_millis(500);

/// A text that moves the cursor up and down again, so that the screen stays unchanged.
const NOTHING: &str = "\x1b[A\n";

/// The note printed at Enter if the client for which the line was begun has left.
const DISOWNED: &str = "(not sent: this was begun for somebody else, arrow up brings it back)\n";

/// The note that is printed for a typed line that is not UTF-8.
const NOT_TEXT: &str = "(not sent: a line that is not UTF-8)\n";

/// The escape sequences that end a synchronized update and bracketed paste, and clear the line.
const CLEAR: &[u8] = b"\x1b[?2026l\x1b[?2004l\r\x1b[J";

impl Editor {
    /// Starts the editor. Returns `None` if standard input and output are not a supported terminal, or if no
    /// file or thread is free. At the end of input (Ctrl-D), `at_end` is passed on as if the user had typed it. Without
    /// `at_end`, the input ends. Ctrl-C sends SIGINT to this process. Log lines appear above the edited line.
    pub fn start(prompt: &str, at_end: Option<&'static [u8]>) -> Option<Editor> {
        let before = tcgetattr(rustix::stdio::stdin()).ok()?;
        let history = MemHistory::new();
        // This mode makes rustyline call `highlight_prompt`, which adds no colours.
        let config = Config::builder().color_mode(ColorMode::Forced).build();
        let mut editor = rustyline::Editor::<Hooks, MemHistory>::with_history(config, history).ok()?;
        let printer = editor.create_external_printer().ok()?;
        let (typed, keyboard) = UnixStream::pair().ok()?;
        // A copy that stays open, so that `typed` does not report the end of input when the thread stops.
        let kept = keyboard.try_clone().ok()?;
        let shared = Arc::new(Shared::default());
        editor.set_helper(Some(Hooks(shared.clone())));
        let (prompt, shared_with_thread) = (prompt.to_owned(), shared.clone());
        thread::Builder::new()
            .name("editor".into())
            .spawn(move || edit(editor, &prompt, &keyboard, at_end, &shared_with_thread))
            .ok()?;
        let shared_with_thread = shared.clone();
        let printing = thread::Builder::new().name("printer".into()).spawn(move || print(printer, &shared_with_thread));
        if printing.is_err() {
            // Without the printer's thread, the messages wait until `drop` prints them.
            shared.lock().at = At::Over;
        }
        *log_to() = Some(shared.clone());
        quieten();
        Some(Editor { shared, typed, _keyboard: kept, before, partial: Vec::new() })
    }

    /// Returns the socket from which finished lines can be read.
    pub fn typed(&self) -> BorrowedFd<'_> {
        self.typed.as_fd()
    }

    /// Marks the line in progress as begun for a client that has left, so that Enter discards it. Returns true if a
    /// line is in progress and was not marked before.
    pub fn disown(&self) -> bool {
        let mut state = self.shared.lock();
        if !state.begun {
            return false;
        }
        let was_disowned = core::mem::replace(&mut state.disowned, true);
        !was_disowned
    }

    /// Prints each complete line above the edited line. Keeps the text after the last LF for the next call. A line
    /// longer than [`WAITING`] bytes is split.
    pub fn print(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        if let Some(end) = self.partial.iter().rposition(|&b| b == b'\n') {
            let rest = self.partial.split_off(end + 1);
            self.shared.push(String::from_utf8_lossy(&self.partial));
            self.partial = rest;
        } else if self.partial.len() > WAITING {
            self.print(b"\n");
        }
    }
}

/// Prints the remaining text, then restores the terminal's settings.
impl Drop for Editor {
    /// Waits until the printer has printed everything, for up to [`FAREWELL`]. Then prints the remaining messages and
    /// restores the terminal's settings.
    fn drop(&mut self) {
        // Complete the unfinished line, because only complete lines are printed.
        if !self.partial.is_empty() {
            self.print(b"\n");
        }
        // From now on, log lines go to standard error.
        *log_to() = None;
        let mut state = self.shared.lock();
        state.ending = true;
        self.shared.changed.notify_all();
        // Wait until all messages are printed and the editor's thread is blocked or has stopped.
        let waiting = self
            .shared
            .changed
            .wait_timeout_while(state, FAREWELL, |state| !state.drained || !(state.held || state.at == At::Over));
        let mut state = waiting.unwrap_or_else(PoisonError::into_inner).0;
        let mut out = io::stdout().lock();
        // Errors in the rest of this function cannot be reported.
        if state.at != At::Over {
            // The editor still shows its line.
            let _ = out.write_all(CLEAR);
        }
        while let Some(text) = state.next() {
            let _ = out.write_all(text.as_bytes());
        }
        let _ = out.flush();
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
    }
}

/// Limits the log to warnings and errors unless RUST_LOG is set. More log lines would interrupt the conversation.
fn quieten() {
    if std::env::var_os("RUST_LOG").is_none() {
        log::set_max_level(log::LevelFilter::Warn);
    }
}

/// Prints whole lines above the edited line. Returns false and prints nothing if no editor is running.
pub(super) fn print_above(text: &str) -> bool {
    match &*log_to() {
        Some(shared) => {
            shared.push(Cow::Borrowed(text));
            true
        }
        None => false,
    }
}

/// Returns the state of the editor that prints log lines, if any. The state is global, because the logger is global.
fn log_to() -> MutexGuard<'static, Option<Arc<Shared>>> {
    static LOG_TO: Mutex<Option<Arc<Shared>>> = Mutex::new(None);
    LOG_TO.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The state that the editor's threads and the poll loop share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    at: At,
    /// Messages to print. Each message consists of whole lines.
    messages: VecDeque<String>,
    /// The total length of `messages`.
    bytes: usize,
    /// The number of messages that were dropped because too many messages were waiting.
    lost: usize,
    /// Whether the edited line is not empty.
    begun: bool,
    /// Whether the edited line was begun for a client that has left.
    disowned: bool,
    /// Whether the editor is being dropped.
    ending: bool,
    /// Whether all messages are printed, so that the editor must not draw again.
    drained: bool,
    /// Whether the editor's thread is blocked and draws nothing more.
    held: bool,
}

/// The editor's current activity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    /// The editor is between two lines. Printing must wait for a moment.
    #[default]
    Between,
    Editing,
    Over,
}

impl State {
    /// Removes and returns the next message to print. After the final message, returns a note about dropped messages,
    /// if any.
    fn next(&mut self) -> Option<String> {
        if let Some(text) = self.messages.pop_front() {
            self.bytes -= text.len();
            return Some(text);
        }
        match core::mem::take(&mut self.lost) {
            0 => None,
            lost => Some(format!("({lost} messages were not shown: there were too many)\n")),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records what the editor does now, and wakes the threads that wait for a change.
    fn set(&self, at: At) {
        let mut state = self.lock();
        if state.at != at {
            state.at = at;
            self.changed.notify_all();
        }
    }

    /// Records that the edited line has ended. Returns whether to discard the line.
    fn line_ends(&self) -> bool {
        let mut state = self.lock();
        state.begun = false;
        core::mem::take(&mut state.disowned)
    }

    /// Blocks the editor's thread when the program ends and all messages are printed. Otherwise, the thread would draw
    /// another line, which nothing would erase. A blocked thread stays blocked until the process exits.
    fn hold_at_the_end(&self) {
        let mut state = self.lock();
        while state.drained {
            // The thread that drops the editor waits until `held` is true.
            state.held = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Queues `text` for printing. Drops and counts `text` if more than [`WAITING`] bytes would wait.
    fn push(&self, text: Cow<'_, str>) {
        let mut state = self.lock();
        if state.bytes + text.len() > WAITING {
            state.lost += 1;
            return;
        }
        state.bytes += text.len();
        state.messages.push_back(text.into_owned());
        self.changed.notify_all();
    }
}

/// Reads lines from the terminal and writes them to `keyboard`, a socket. Returns at the end of input, after Ctrl-C or
/// after an error.
fn edit(
    mut editor: rustyline::Editor<Hooks, MemHistory>,
    prompt: &str,
    mut keyboard: &UnixStream,
    at_end: Option<&[u8]>,
    shared: &Shared,
) {
    let mut interrupted = false;
    while !shared.lock().ending {
        let line = editor.readline(prompt);
        shared.set(At::Between);
        // Whether the line was begun for a client that has left.
        let disowned = shared.line_ends();
        let handed_over = match line {
            Ok(mut line) => {
                // The result is ignored: the history rejects only an empty or repeated line.
                let _ = editor.add_history_entry(line.as_str());
                if disowned {
                    shared.push(Cow::Borrowed(DISOWNED));
                    continue;
                }
                line.push('\n');
                keyboard.write_all(line.as_bytes())
            }
            // A closed terminal also reports the end of input, again and again. The last arm handles that case.
            Err(ReadlineError::Eof) if tcgetattr(rustix::stdio::stdin()).is_ok() => match at_end {
                Some(bytes) => keyboard.write_all(bytes),
                None => break,
            },
            Err(ReadlineError::Interrupted) => {
                interrupted = true;
                // Cannot fail: a process may always signal itself.
                let _ = kill_process(getpid(), Signal::INT);
                break;
            }
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                shared.push(Cow::Borrowed(NOT_TEXT));
                Ok(())
            }
            Err(_) => break,
        };
        if handed_over.is_err() {
            break;
        }
    }
    shared.set(At::Over);
    // After Ctrl-C, the signal ends the program, so the end of input is not reported as well.
    if !interrupted {
        let _ = keyboard.shutdown(std::net::Shutdown::Write);
    }
}

/// Prints the queued messages. Returns once the editor is being dropped and all messages are printed.
fn print(mut printer: impl ExternalPrinter, shared: &Shared) {
    loop {
        let mut state = shared.lock();
        // Wait for a message, or for the end. Between two lines, nothing may be printed.
        let (at, text) = loop {
            let at = state.at;
            let text = if at == At::Between { None } else { state.next() };
            if text.is_some() || (state.ending && at != At::Between) {
                break (at, text);
            }
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        match (at, text) {
            (At::Editing, Some(text)) => {
                let _ = printer.print(text);
            }
            // The editor has stopped, so there is no line to print above.
            (_, Some(text)) => {
                let mut out = io::stdout().lock();
                let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            }
            (at, None) => {
                // rustyline's queue holds one text. The editor's thread takes a text only after it has printed the
                // previous text. When the queue accepts the second `NOTHING`, the thread has taken the first `NOTHING`,
                // so all real messages are printed.
                let nothings = if at == At::Editing { 2 } else { 0 };
                for _ in 0..nothings {
                    let _ = printer.print(NOTHING.into());
                }
                shared.lock().drained = true;
                shared.changed.notify_all();
                if at == At::Editing {
                    // A last `NOTHING` makes the editor draw its line, so that `hold_at_the_end` blocks its thread. An
                    // error is ignored, because the editor might have stopped already.
                    let _ = printer.print(NOTHING.into());
                }
                return;
            }
        }
    }
}
