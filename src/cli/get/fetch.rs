//! Sends one request to a host's first address that accepts a connection, and receives the response.

use core::fmt;

use smoltcp::wire::IpEndpoint;

use super::target::Target;
use super::{Around, Fetching, Getter};
use crate::app::http_client::{Failure as NoResponse, Get, Request};
use crate::cli::address::unanswered;
use crate::cli::call::describe;
use crate::cli::error::Failure;
use crate::cli::race::{Outcome, Track, dialler};
use crate::cli::tcp_queries::WithQuery;
use crate::host::{Ended, drive};
use crate::names::DialError;
use crate::stack::{ConnectionId, End};

impl<'g> Getter<'g> {
    /// Fetches `target` from the first of its addresses that accepts a connection, and writes the response to the sink.
    ///
    /// # Errors
    /// The error's message is one line that says for each address why no response was received.
    pub(super) fn fetch(
        &mut self,
        target: &Target,
        stack: &mut Fetching<'_, 'g>,
        io: &mut Around,
    ) -> Result<(), Failure> {
        let failed = |why: &dyn fmt::Display| Failure::run(format_args!("{target}: {why}"));
        // Free the slots of connections that have closed since the previous request.
        self.closing.retain(|id| stack.take(*id).is_none());
        let addresses = self.addresses(target, stack, io)?;
        let mut dialler = dialler(&addresses, target.port(), self.patience);
        let request = Request::new(target.authority(), target.path_and_query())
            .ok_or_else(|| Failure::run("the URL cannot be put into a request"))?;
        let get = Get::new(request, self.sink, self.patience.into());
        let track = Track { clock: self.clock, stop: self.waiting.stop() };
        // Begin a connection to one address after another. The first connection that is established sends the request.
        let id = match self.race.run(track, &mut dialler, &get, stack, io, &mut self.closing)? {
            Outcome::Won(id, _) => id,
            Outcome::Stopped => return Err(failed(&"interrupted")),
            Outcome::Lost => {
                let lines: Vec<_> = dialler
                    .failures()
                    .map(|(remote, why)| match why {
                        DialError::Ended(End::Unreachable) => unanswered(self.link, stack, remote.addr),
                        why => no_answer(target, remote, why),
                    })
                    .collect();
                return Err(failed(&lines.join("; ")));
            }
        };
        // When this request is over, the connection might still be closing.
        self.closing.push(id);
        let ended = self.wait(id, stack, io)?;
        let result = stack.session(id).and_then(WithQuery::program).and_then(|runner| runner.session.result());
        let mut sink = self.sink.borrow_mut();
        let is_written = sink.flush_rest();
        match result {
            _ if sink.has_failed() => Err(sink.failure()),
            // A complete response is a success, even after a signal.
            Some(Ok(())) if is_written => Ok(()),
            Some(Err(why)) if ended == Ended::Done => Err(failed(&why)),
            _ => Err(failed(&"interrupted")),
        }
    }

    /// Runs the stack until the connection has ended and all output is written, or until a signal arrives. If the
    /// response is a redirect to follow, does not wait for the end of the connection.
    fn wait(&mut self, id: ConnectionId, stack: &mut Fetching<'_, 'g>, io: &mut Around) -> Result<Ended, Failure> {
        let (sink, clock) = (self.sink, self.clock);
        // `drive` calls this closure after each poll. The closure says whether the request is over, and it also resumes
        // stalled output.
        let is_over = |stack: &mut Fetching<'_, 'g>| {
            let mut sink = sink.borrow_mut();
            if sink.is_ready_again() {
                // The client, which waits for the sink, then continues.
                stack.wake_programs();
            }
            if sink.is_redirected() {
                // The next request does not wait for the old connection to close.
                stack.session(id).and_then(WithQuery::program).is_some_and(|runner| runner.session.result().is_some())
            } else {
                // The request is over once the connection has ended and the destination has accepted all output.
                let has_ended = stack.ended(id).is_some();
                has_ended && sink.flush_rest()
            }
        };
        Ok(drive(stack, io, &clock, &mut self.waiting, is_over)?)
    }
}

/// Describes why an address sent no response. The text names the address, unless a connection has ended and the URL
/// contains the address.
fn no_answer(target: &Target, remote: IpEndpoint, why: DialError) -> String {
    match why {
        DialError::Connect(error) => describe(remote, error).to_string(),
        DialError::Ended(end) if target.is_named() => format!("{}: {}", remote.addr, NoResponse::Ended(end)),
        DialError::Ended(end) => NoResponse::Ended(end).to_string(),
    }
}
