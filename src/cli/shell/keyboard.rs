//! Edits the lines of the prompt at a terminal, with a history.
//!
//! The editor runs on its own thread, so that a signal can end the wait for a line. Between two prompts, the terminal
//! is in its usual mode. src/cli/editor.rs is the editor for commands that print while a line is edited.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use rustyline::Config;
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;

/// The thread that edits lines.
#[derive(Debug)]
pub(super) struct Keyboard {
    /// Sends each prompt to the thread. The flag says whether the program handles SIGINT.
    prompts: Sender<(String, bool)>,
    /// The socket from which finished lines are read.
    typed: UnixStream,
    /// Kept open, so that `typed` reports the end of input only if input ends, not after Ctrl-C.
    _keyboard: UnixStream,
    /// Whether a line is being edited.
    editing: Arc<AtomicBool>,
    /// The terminal's settings before the first prompt.
    before: Termios,
}

/// The text that replaces a typed line that is not UTF-8.
const NOT_TEXT: &str = "\u{fffd}";

/// Ends the terminal's bracketed paste mode, and starts a new line. Written if the prompt ends while a line is being
/// edited.
const LEFT: &[u8] = b"\x1b[?2004l\r\n";

impl Keyboard {
    /// Starts the thread that edits lines. Returns `None` if standard input and output are not a terminal that can move
    /// its cursor, or if the thread cannot be set up. Lines are then read without an editor.
    pub(super) fn start() -> Option<Keyboard> {
        let is_dumb = std::env::var_os("TERM").is_none_or(|name| name.is_empty() || name == "dumb");
        if is_dumb || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return None;
        }
        let before = tcgetattr(rustix::stdio::stdin()).ok()?;
        let config = Config::builder().auto_add_history(true).build();
        let editor = rustyline::Editor::<(), MemHistory>::with_history(config, MemHistory::new()).ok()?;
        let (typed, keyboard) = UnixStream::pair().ok()?;
        // A copy that stays open, so that `typed` does not report the end of input after Ctrl-C.
        let kept = keyboard.try_clone().ok()?;
        let (prompts, asked) = channel();
        let editing = Arc::new(AtomicBool::new(false));
        let shared_with_thread = editing.clone();
        thread::Builder::new()
            .name("keyboard".into())
            .spawn(move || edit(editor, &asked, &keyboard, &shared_with_thread))
            .ok()?;
        Some(Keyboard { prompts, typed, _keyboard: kept, editing, before })
    }

    /// Lets the user edit one line after `prompt`. `handles_sigint` says whether the program handles SIGINT itself.
    pub(super) fn ask(&self, prompt: String, handles_sigint: bool) {
        self.editing.store(true, Ordering::Release);
        // If the thread has ended, `typed` reports the end of input.
        let _ = self.prompts.send((prompt, handles_sigint));
    }

    /// Returns the socket from which finished lines can be read.
    pub(super) fn typed(&self) -> BorrowedFd<'_> {
        self.typed.as_fd()
    }

    /// Restores the terminal if a line is still being edited. After a finished line, the editor itself has restored it.
    pub(super) fn leave(&self) {
        let was_editing = self.editing.swap(false, Ordering::AcqRel);
        if was_editing {
            // Errors cannot be reported, because the prompt is over.
            let _ = io::stdout().write_all(LEFT).and_then(|()| io::stdout().flush());
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.before);
        }
    }
}

impl Drop for Keyboard {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Edits a line for each prompt, and writes the line to `typed`, a socket. Returns at the end of input, after Ctrl-C or
/// after an error.
fn edit(
    mut editor: rustyline::Editor<(), MemHistory>,
    asked: &Receiver<(String, bool)>,
    mut typed: &UnixStream,
    editing: &AtomicBool,
) {
    while let Ok((prompt, handles_sigint)) = asked.recv() {
        let line = editor.readline(&prompt);
        editing.store(false, Ordering::Release);
        let line = match line {
            Ok(line) => line,
            Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => NOT_TEXT.into(),
            Err(ReadlineError::Interrupted) => {
                // While a line is edited, the terminal raises no signal for Ctrl-C, so raise it here. This cannot fail:
                // a process may always signal itself.
                let _ = kill_process(getpid(), Signal::INT);
                // The signal itself ends the wait for a line, so the end of input is not reported.
                if handles_sigint {
                    return;
                }
                // Without a handler, SIGINT ends the process. If the process goes on, it was started with SIGINT
                // ignored, as the background jobs of a script are.
                break;
            }
            Err(_) => break,
        };
        if typed.write_all(format!("{line}\n").as_bytes()).is_err() {
            break;
        }
    }
    // The reader of `typed` then sees the end of input.
    let _ = typed.shutdown(std::net::Shutdown::Write);
}
