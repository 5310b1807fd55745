//! Parses the command line and runs the command.

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use super::call::{CallArgs, call};
use super::completions::{CompletionsArgs, completions};
use super::doctor::{self, DoctorArgs};
use super::error::Failure;
use super::get::{GetArgs, get};
use super::lab::{LabArgs, lab};
use super::man::{ManArgs, man};
use super::output::say_line;
use super::ping::{PingArgs, ping};
use super::programs::programs;
use super::resolve::{ResolveArgs, resolve};
use super::sandbox::{SandboxArgs, sandbox};
use super::serve::{ServeArgs, serve};
use super::tour::tour;
use super::usage::{explain, with_help};
use super::words::join_negative_values;

/// TCP and UDP servers and clients on smoltcp: in memory, and on a Linux TAP or TUN
#[derive(Parser, Debug)]
#[command(
    name = "smolstep",
    version,
    after_help = "Without a command, smolstep runs a tour: a greeting in memory, with every step shown.

Environment:
  RUST_LOG  What to log on standard error: off, error, warn, info, debug or trace [default: info;
            warn for get and chat at a terminal; lab and the tour log at most warn]
  NO_COLOR  Any value that is not empty turns colours off

Example:
  smolstep sandbox --serve greeting -- nc -N 192.168.69.1 9999"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List the programs: name, transports, ports
    #[command(after_help = "Example:\n  smolstep apps")]
    Apps,
    Call(CallArgs),
    Completions(CompletionsArgs),
    Doctor(DoctorArgs),
    Get(GetArgs),
    Lab(Box<LabArgs>),
    Man(ManArgs),
    Ping(PingArgs),
    Resolve(ResolveArgs),
    Sandbox(SandboxArgs),
    Serve(ServeArgs),
}

/// Runs the command that the process's arguments name, and returns the exit code.
///
/// # Errors
/// The error's message is one line for the user.
pub fn run() -> Result<u8, Failure> {
    let mut command = Cli::command();
    // clap would take a negative number for an option. Joined to the option before it, the number is its value.
    let words = join_negative_values(&command, std::env::args_os());
    let parsed = command.try_get_matches_from_mut(&words).and_then(|matches| {
        let name = matches.subcommand_name().map(String::from);
        Ok((Cli::from_arg_matches(&matches)?, name))
    });
    match parsed {
        Ok((cli, name)) => cli.run().map_err(|failure| with_help(failure, name.as_deref())),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            error.print().map(|()| 0).map_err(Failure::output)
        }
        Err(error) => Err(explain(error, &command, &words)),
    }
}

impl Cli {
    /// Runs the command, or the tour if there is none. Returns the exit code.
    fn run(self) -> Result<u8, Failure> {
        match self.command {
            None => tour().map(|()| 0),
            Some(Command::Apps) => apps().map(|()| 0),
            Some(Command::Call(args)) => call(&args).map(|()| 0),
            Some(Command::Completions(args)) => completions(&args, Cli::command()).map(|()| 0),
            Some(Command::Doctor(_)) => {
                let works = doctor::run(&mut std::io::stdout()).map_err(Failure::output)?;
                Ok(if works { 0 } else { 1 })
            }
            Some(Command::Get(args)) => get(&args).map(|()| 0),
            Some(Command::Lab(args)) => lab(&args),
            Some(Command::Man(args)) => man(&args, Cli::command()).map(|()| 0),
            Some(Command::Ping(args)) => ping(&args).map(|heard| if heard { 0 } else { 1 }),
            Some(Command::Resolve(args)) => resolve(&args).map(|()| 0),
            Some(Command::Sandbox(args)) => sandbox(&args),
            Some(Command::Serve(args)) => serve(&args).map(|()| 0),
        }
    }
}

/// Prints a line for each program. The first line of [`programs`] is a heading, which is left out.
fn apps() -> Result<(), Failure> {
    programs().lines().skip(1).try_for_each(|line| say_line(line.trim_start()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// Returns the text that `--help` prints for each command, with the command.
    fn helps() -> Vec<(String, clap::Command)> {
        let mut cli = Cli::command();
        cli.build();
        let subcommands = cli.get_subcommands().filter(|command| command.get_name() != "help").cloned();
        let commands = subcommands.collect::<Vec<_>>().into_iter().chain([cli]);
        commands.map(|mut command| (command.render_long_help().to_string(), command)).collect()
    }

    /// The help of each option that is not required states a default: as clap's default value, or in the help text.
    #[test]
    fn help_states_the_default_of_each_option() {
        for (_, command) in helps() {
            let options = command.get_arguments().filter(|option| option.get_action().takes_values());
            for option in options.filter(|option| !option.is_required_set() && !option.is_hide_set()) {
                let text = option.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(
                    !option.get_default_values().is_empty() || text.contains("[default: "),
                    "{} {}: {text}",
                    command.get_name(),
                    option.get_id()
                );
            }
        }
    }

    /// The help names the port of each program, the default addresses, the environment variables and an example.
    #[test]
    fn help_names_ports_addresses_and_the_environment() {
        for (help, command) in helps() {
            let name = command.get_name();
            let has = |what: &str| help.contains(what);
            if ["serve", "call", "sandbox"].contains(&name) {
                let words: Vec<_> = help.split_whitespace().collect();
                for app in crate::app::APPS {
                    for (transport, port) in [("tcp", app.tcp), ("udp", app.udp)] {
                        let port = port.map(|port| port.to_string());
                        let named = |port: &str| words.windows(2).any(|pair| pair == [transport, port]);
                        assert!(port.as_deref().is_none_or(named), "{name}: {} {transport}", app.name);
                    }
                }
            }
            if command.get_arguments().any(|option| option.get_id() == "ip") {
                assert!(has("192.168.69.1/24") && has("192.168.69.2/24") && has("fdaa::2/64"), "{help}");
            }
            // The variables are documented once, at the top level, where users look for them.
            for variable in ["RUST_LOG", "NO_COLOR"] {
                assert_eq!(help.matches(variable).count(), usize::from(name == "smolstep"), "{name}: {variable}");
            }
            assert!(help.contains("Example"), "{name}");
        }
    }

    /// OpenBSD's nc needs -N to close its side at the end of input. Without -N, the connection stays open.
    #[test]
    fn every_nc_example_closes_its_side() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut texts: Vec<_> = helps().into_iter().map(|(help, command)| (command.get_name().into(), help)).collect();
        let docs = fs::read_dir(root.join("docs")).unwrap().chain(fs::read_dir(root.join("examples")).unwrap());
        let is_picture = |path: &Path| path.extension().is_some_and(|ending| ending == "png");
        let docs = docs.map(|entry| entry.unwrap().path()).filter(|path| path.is_file() && !is_picture(path));
        for path in docs.chain(["README.md", "src/cli/tour.rs"].map(|file| root.join(file))) {
            let text = fs::read_to_string(&path).unwrap();
            texts.push((path.display().to_string(), text));
        }
        let mut examples = 0;
        for (source, text) in texts {
            for line in text.lines() {
                for (at, _) in line.match_indices("nc ") {
                    let (before, arguments) = line.split_at(at);
                    let first = arguments.split_whitespace().nth(1).unwrap_or_default();
                    // `nc` is a command if it does not end a longer word, and if the word after it looks like an
                    // option or a host.
                    let command = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
                        && first.starts_with(|c: char| c == '-' || c == '$' || c.is_ascii_digit() || c.is_uppercase());
                    let address = first.contains("::");
                    if command || address {
                        examples += 1;
                        // `-q SECONDS` also closes the side, after a delay.
                        let closes = arguments.split_whitespace().any(|word| word == "-N" || word == "-q");
                        assert!(closes, "{source}: {line}");
                    }
                }
            }
        }
        // Fewer examples would mean that the search above misses them.
        assert!(examples >= 10, "{examples}");
    }
}
