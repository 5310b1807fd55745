//! The host program: see `smolstep --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let log = env_logger::Env::default().default_filter_or("info");
    env_logger::Builder::from_env(log).format_target(false).init();
    match smolstep::host::run() {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("smolstep: {failure}");
            failure.code()
        }
    }
}
