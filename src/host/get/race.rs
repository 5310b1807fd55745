//! One answer, from whichever of a host's addresses takes the connection first (RFC 8305 section 5).

use core::fmt;
use std::net::IpAddr;
use std::time::Duration;

use smoltcp::wire::IpEndpoint;

use super::sink::Share;
use super::target::Target;
use super::{Around, Fetching, Getter};
use crate::app::http_client::{Failure as NoResponse, Get, Request};
use crate::host::call::describe;
use crate::host::drive::{Ended, drive};
use crate::host::error::Failure;
use crate::stack::ConnectionId;

/// How long a connection may take before the next address is tried besides it. RFC 8305 recommends 250 ms and allows 2 s; smoltcp asks
/// for one hardware address a second, so that after a lookup the first segment to an address on the link can be as late as that.
const DELAY: Duration = Duration::from_millis(1250);

/// Connections begun to one host, each with its address; none where it has failed.
type Runners = Vec<(IpAddr, Option<ConnectionId>)>;

impl<'g> Getter<'g> {
    /// Fetches what the target is.
    ///
    /// # Errors
    /// One line: why there is no answer, of each address where a name has several.
    pub(super) fn fetch(
        &mut self,
        target: &Target,
        stack: &mut Fetching<'_, 'g>,
        io: &mut Around,
    ) -> Result<(), Failure> {
        let failed = |why: &dyn fmt::Display| Failure::run(format_args!("{target}: {why}"));
        // The slots of connections that were left to close.
        self.left.retain(|id| stack.take(*id).is_none());
        let addresses = self.addresses(target, stack, io)?;
        self.sink.borrow_mut().begin_race();
        let mut rest = addresses.into_iter();
        let (mut runners, mut failures) = (Runners::new(), Vec::new());
        loop {
            if let Some(address) = rest.next() {
                let begun = self.connect(target, address, runners.len(), stack, io);
                runners.push((address, begun.as_ref().ok().copied()));
                if let Err(failure) = begun {
                    failures.push(failure.to_string());
                    continue;
                }
            } else if runners.iter().all(|(_, id)| id.is_none()) {
                return Err(failed(&failures.join("; ")));
            }
            let ended = self.wait(&runners, (rest.len() > 0).then_some(DELAY), stack, io)?;
            let winner = self.sink.borrow().winner().and_then(|number| runners.get(number)?.1);
            if winner.is_some() || ended == Ended::Stopped {
                self.left.extend(runners.iter().filter_map(|(_, id)| *id));
                let result = winner.and_then(|id| stack.session(id)?.result());
                let mut sink = self.sink.borrow_mut();
                let flushed = sink.is_flushed();
                return match result {
                    _ if sink.has_failed() => Err(sink.failure()),
                    // What is complete is complete, interrupted or not.
                    Some(Ok(())) if flushed => Ok(()),
                    Some(Err(why)) if ended == Ended::Done => Err(failed(&why)),
                    _ => Err(failed(&"interrupted")),
                };
            }
            for (address, id) in &mut runners {
                if let Some((_, end)) = id.and_then(|id| stack.take(id)) {
                    *id = None;
                    let why = NoResponse::Ended(end);
                    failures.push(if target.is_named() { format!("{address}: {why}") } else { why.to_string() });
                }
            }
        }
    }

    fn connect(
        &mut self,
        target: &Target,
        address: IpAddr,
        number: usize,
        stack: &mut Fetching<'_, 'g>,
        io: &mut Around,
    ) -> Result<ConnectionId, Failure> {
        let remote = IpEndpoint::new(address.into(), target.port());
        let request = Request::new(target.authority(), target.path_and_query())
            .ok_or_else(|| Failure::run("this cannot be put into a request"))?;
        let session = Get::new(request, Share::new(self.sink, number), self.patience.into());
        stack
            .connect(self.clock.now(), remote, session, self.patience.into(), io)
            .map_err(|error| describe(remote, error))
    }

    /// Until there is an answer or it has failed, or, as long as no connection is there, one more has failed or `time` is over.
    fn wait(
        &mut self,
        runners: &Runners,
        time: Option<Duration>,
        stack: &mut Fetching<'_, 'g>,
        io: &mut Around,
    ) -> Result<Ended, Failure> {
        let (sink, clock) = (self.sink, self.clock);
        let until = time.map(|time| clock.now() + time.into());
        self.waiting.wake_at(&clock, until)?;
        drive(stack, io, &clock, &mut self.waiting, |stack| {
            let mut sink = sink.borrow_mut();
            if sink.is_ready_again() {
                stack.wake_programs();
            }
            match sink.winner().and_then(|number| runners.get(number)?.1) {
                // The old connection is closed while the next one goes on.
                Some(id) if sink.is_redirected() => stack.session(id).and_then(Get::result).is_some(),
                Some(id) => stack.ended(id).is_some() && sink.is_flushed(),
                None => {
                    let over = until.is_some_and(|at| clock.now() >= at);
                    over || runners.iter().any(|(_, id)| id.is_some_and(|id| stack.ended(id).is_some()))
                }
            }
        })
    }
}
