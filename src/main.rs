//! Throw-away main, until the command line lands.
use std::process::ExitCode;

use clap::Parser;
use smolstep::host::{doctor, sandbox};

/// Throw-away.
#[derive(Parser)]
enum Cli {
    /// Sandbox.
    Sandbox(sandbox::SandboxArgs),
    /// Doctor.
    Doctor(doctor::DoctorArgs),
}

fn main() -> ExitCode {
    env_logger::init();
    match Cli::parse() {
        Cli::Doctor(_) => ExitCode::from(if doctor::run(&mut std::io::stdout()).unwrap_or(false) { 0 } else { 1 }),
        Cli::Sandbox(args) => match sandbox(&args) {
            Ok(code) => ExitCode::from(code),
            Err(e) => {
                eprintln!("smolstep: {e}");
                ExitCode::from(e.exit_code())
            }
        },
    }
}

fn sandbox(args: &sandbox::SandboxArgs) -> Result<u8, sandbox::SandboxError> {
    if args.join {
        return Err(sandbox::join(&args.command));
    }
    let sandbox = sandbox::Sandbox::enter(&args.publish)?;
    if args.serve.is_empty() {
        return Ok(sandbox.start(&args.command)?.wait());
    }
    let mut device = sandbox.attach()?;
    let mut guest = sandbox.start(&args.command)?;
    loop {
        if let Some(code) = guest.exit_code() {
            return Ok(code);
        }
        // Serves nothing.
        let _ = device.wait(None, &guest.files());
        let _ = smoltcp::phy::Device::receive(&mut device, smoltcp::time::Instant::ZERO);
    }
}
