//! Makes a set-up that borrows the steps and messages of an experiment.

use alloc::format;
use alloc::vec::Vec;

use smoltcp::wire::IpEndpoint;

use super::program::{Program, Role, Step};
use super::words::FileError;
use super::{Action, Experiment, settings};
use crate::lab::setup::PATIENCE;
use crate::lab::tokens::clip;
use crate::lab::{Peer, Scheduled, Script, ScriptStep, Setup, StartError, address};
use crate::stack::{ListenError, Listener};

/// The steps and the messages of an experiment's programs, in the order of the file.
#[derive(Clone, Debug)]
pub struct Parts<'e> {
    experiment: &'e Experiment,
    steps: Vec<Vec<ScriptStep<'e>>>,
    texts: Vec<Vec<&'e [u8]>>,
}

impl<'e> Parts<'e> {
    /// Collects the steps and the messages of the experiment's programs, which the set-up borrows.
    pub(super) fn new(experiment: &'e Experiment) -> Self {
        let programs = || {
            experiment.actions.iter().filter_map(|action| match action {
                Action::Program(program) => Some(program),
                Action::Event { .. } | Action::Inject { .. } => None,
            })
        };
        let texts = |program: &'e Program| match &program.role {
            Role::Client { texts, .. } => texts.iter().map(|text| text.as_bytes()).collect(),
            _ => Vec::new(),
        };
        Parts {
            experiment,
            steps: programs().map(|program| program.steps.iter().map(script_step).collect()).collect(),
            texts: programs().map(texts).collect(),
        }
    }

    /// Returns the set-up of the run.
    ///
    /// # Errors
    /// [`FileError`] names the line of a program that cannot be added. A parsed experiment has no such program, because
    /// [`Experiment::parse`] makes the set-up too.
    pub fn setup(&self) -> Result<Setup<'_>, FileError> {
        let mut setup = Setup { seed: self.experiment.seed, ..Setup::default() };
        for source in &self.experiment.settings {
            settings::apply(source.words(), &mut setup)?;
        }
        // `steps` and `texts` have one element for each program, and none for an event.
        let mut program_indices = 0..;
        for action in &self.experiment.actions {
            match action {
                Action::Event { at, host, what } => setup.host_event(*at, *host, *what),
                // The line's number identifies the segment. There is room: the parser has counted the events.
                &Action::Inject { line: number, at, after, forged } => {
                    drop(setup.agenda.push((at, Scheduled::Forge { number, after, forged })));
                }
                Action::Program(program) => {
                    let index = program_indices.next().unwrap_or_default();
                    let steps = self.steps.get(index).map_or(&[][..], Vec::as_slice);
                    let texts = self.texts.get(index).map_or(&[][..], Vec::as_slice);
                    add(&mut setup, program, steps, texts).map_err(|error| not_added(program, &error))?;
                }
            }
        }
        Ok(setup)
    }
}

/// Returns the error that a program cannot be added. An error about the program's port is at the word that determines
/// the port.
fn not_added(program: &Program, error: &StartError) -> FileError {
    let (column, message) = match (error, &program.port_word) {
        (StartError::Listen(_), (word, column)) => (*column, format!("'{}': {error}", clip(word))),
        // Any other error is about the whole line.
        _ => (1, format!("{error}")),
    };
    FileError { line: program.line, column, message }
}

/// Converts a step of a file into a step of a script, which borrows the text of the file's step.
fn script_step(step: &Step) -> ScriptStep<'_> {
    match step {
        Step::Abort => ScriptStep::Abort,
        Step::Close => ScriptStep::Close,
        Step::HalfClose => ScriptStep::HalfClose,
        Step::Read(count) => ScriptStep::Read(*count),
        Step::ReadToEnd => ScriptStep::ReadToEnd,
        Step::Send(text) => ScriptStep::Send(text.as_bytes()),
        Step::SendBytes(count) => ScriptStep::SendBytes(*count),
        Step::Wait { millis, trips } => ScriptStep::PauseTrips { millis: *millis, trips: *trips },
    }
}

/// Adds a program to a set-up. A script takes its `steps`, and a client sends `texts`.
fn add<'a>(
    setup: &mut Setup<'a>,
    program: &Program,
    steps: &'a [ScriptStep<'a>],
    texts: &'a [&'a [u8]],
) -> Result<(), StartError> {
    match &program.role {
        Role::Calls { remote, local, at } => {
            let other_host = 1 - program.host;
            let remote = IpEndpoint::new(address(other_host), *remote);
            let session = Peer::Script(Script::new(steps));
            let call = Scheduled::Call { host: program.host, port: *local, remote, session, patience: PATIENCE };
            setup.agenda.push((*at, call)).map_err(|_| StartError::TooMany)?;
        }
        Role::Listens { port, serves, backlog } => {
            let mut listener = Listener::new(*port, Peer::Script(Script::new(steps)));
            check_tcp_port_is_free(setup, *port)?;
            listener.serve_at_once = serves.unwrap_or(listener.serve_at_once);
            listener.backlog = backlog.unwrap_or(listener.backlog);
            setup.listeners.push(listener).map_err(|_| StartError::TooMany)?;
        }
        // `Setup::program` makes the client and the server of a program, but a line of a file adds only one of them.
        Role::Client { app, udp, .. } => {
            let both = Setup::program(app, texts, *udp)?;
            for (at, call) in both.agenda {
                setup.agenda.push((at, call)).map_err(|_| StartError::TooMany)?;
            }
            // Host 0 is the client, and host 1 is the server.
            for udp in both.udp.into_iter().filter(|(host, ..)| *host == 0) {
                setup.udp.push(udp).map_err(|_| StartError::TooMany)?;
            }
        }
        Role::Server { app, udp } => {
            // Only the client sends texts, so the list is empty here.
            let both = Setup::program(app, &[], *udp)?;
            for listener in both.listeners {
                check_tcp_port_is_free(setup, listener.port)?;
                setup.listeners.push(listener).map_err(|_| StartError::TooMany)?;
            }
            for (host, port, peer) in both.udp.into_iter().filter(|(host, ..)| *host == 1) {
                check_udp_port_is_free(setup, port)?;
                setup.udp.push((host, port, peer)).map_err(|_| StartError::TooMany)?;
            }
        }
    }
    Ok(())
}

/// Fails if a program of the server already listens on this TCP port.
fn check_tcp_port_is_free(setup: &Setup<'_>, port: u16) -> Result<(), StartError> {
    let is_used = setup.listeners.iter().any(|listener| listener.port == port);
    if is_used { Err(StartError::Listen(ListenError::InUse)) } else { Ok(()) }
}

/// Fails if a program of the server already uses this UDP port.
fn check_udp_port_is_free(setup: &Setup<'_>, port: u16) -> Result<(), StartError> {
    let is_used = setup.udp.iter().any(|(host, other, _)| (*host, *other) == (1, port));
    if is_used { Err(StartError::Listen(ListenError::InUse)) } else { Ok(()) }
}
