//! Runs a program at a pseudo-terminal: types input, and computes the lines on the screen.

use super::peer::{Finished, Peer, python};

/// Starts a command on a pseudo-terminal of 100 columns.
///
/// The peer's standard input is typed at the terminal. The peer's standard output is the output of the terminal,
/// followed by `echo on` or `echo off`, the final state of the terminal's echo. The peer's exit code is the exit code
/// of the command.
pub fn start(command: &[&str]) -> Peer {
    Peer::start(python::command("terminal").args(command).env("TERM", "xterm").env_remove("RUST_LOG"))
}

/// Waits until the terminal shows a line that equals `line`.
pub fn wait_for_line(peer: &Peer, line: &str) {
    peer.wait_for(line, |out| screen(out).iter().any(|shown| shown == line));
}

/// Waits until the bottom line on the terminal equals `line`, apart from trailing spaces.
pub fn wait_for_last(peer: &Peer, line: &str) {
    peer.wait_for(line, |out| screen(out).last().is_some_and(|shown| shown == line));
}

/// Checks that the program exited with 0 and that the echo of the terminal is on.
pub fn left_well(finished: &Finished) {
    assert_eq!(finished.code(), Some(0), "{finished:?}");
    assert!(finished.out().ends_with("echo on\n"), "{finished:?}");
}

/// Returns the lines on the terminal, without trailing spaces. Understands only the cursor movements that smolstep
/// uses.
pub fn screen(output: &str) -> Vec<String> {
    let (mut lines, mut row, mut column) = (vec![Vec::new()], 0usize, 0usize);
    let (mut rest, mut kind) = (output.chars(), ' ');
    while let Some(c) = rest.next() {
        match c {
            '\r' => column = 0,
            '\n' => row += 1,
            '\x1b' => {
                let parameters: String = rest
                    .by_ref()
                    .skip(1)
                    .map_while(|c| {
                        kind = c;
                        (!c.is_ascii_alphabetic()).then_some(c)
                    })
                    .collect();
                let count = parameters.parse().unwrap_or(1);
                match kind {
                    'A' => row = row.saturating_sub(count),
                    'B' => row += count,
                    'C' => column += count,
                    'D' => column = column.saturating_sub(count),
                    'K' => lines[row].truncate(column),
                    'J' => {
                        lines.truncate(row + 1);
                        lines[row].truncate(column);
                    }
                    // Colours and modes.
                    _ => {}
                }
            }
            c if c.is_control() => {}
            c => {
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = c;
                column += 1;
            }
        }
        while lines.len() <= row {
            lines.push(Vec::new());
        }
    }
    lines.into_iter().map(|line| line.into_iter().collect::<String>().trim_end().to_owned()).collect()
}
