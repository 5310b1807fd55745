//! The host program: see `smolstep --help`.

use std::process::ExitCode;

/// Starts the log and runs the command. Prints an error as one line, and exits with the error's code.
fn main() -> ExitCode {
    smolstep::cli::start_log();
    match smolstep::cli::run() {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            // A failure without a message means that the reader of standard output is gone.
            if !failure.is_quiet() {
                eprintln!("smolstep: {failure}");
            }
            failure.code()
        }
    }
}
