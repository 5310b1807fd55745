//! `smolstep completions`: prints a script that completes commands and options in a shell.

use clap::{Args, ValueEnum};
use clap_complete::generate;
use clap_complete::shells;

use super::error::Failure;
use super::output::say;

/// Print a script that completes commands and options in a shell
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:
  smolstep completions bash > ~/.local/share/bash-completion/completions/smolstep
  smolstep completions zsh > /usr/local/share/zsh/site-functions/_smolstep
  smolstep completions fish > ~/.config/fish/completions/smolstep.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Prints the completion script for `command`.
///
/// # Errors
/// Fails if standard output cannot be written to.
pub fn completions(args: &CompletionsArgs, mut command: clap::Command) -> Result<(), Failure> {
    let name = command.get_name().to_owned();
    // The generator panics if a write fails, so it writes to memory, where no write fails.
    let mut script = Vec::new();
    match args.shell {
        Shell::Bash => generate(shells::Bash, &mut command, name, &mut script),
        Shell::Zsh => generate(shells::Zsh, &mut command, name, &mut script),
        Shell::Fish => generate(shells::Fish, &mut command, name, &mut script),
    }
    say(String::from_utf8_lossy(&script))
}
