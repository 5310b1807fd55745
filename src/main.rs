//! The host program: see `smolstep --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    smolstep::cli::start_log();
    match smolstep::cli::run() {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            if !failure.is_quiet() {
                eprintln!("smolstep: {failure}");
            }
            failure.code()
        }
    }
}
