//! The options of `smolstep lab` about the hosts' connections and the network between them.

use std::time::Duration;

use clap::Args;

use crate::cli::Congestion;
use crate::cli::error::Failure;
use crate::cli::values::{positive, whole};
use crate::lab::tokens::clip;
use crate::lab::{Buffers, Setup};

/// The options about connections and the network.
#[derive(Args, Clone, Debug, Default)]
#[group(skip)]
pub struct NetworkArgs {
    /// How a sender slows down after a loss [default: cubic, or the scenario's]
    #[arg(long, value_enum, value_name = "WHICH")]
    pub congestion: Option<Congestion>,
    /// The size of each receive buffer and send buffer, from 128 to 1048576: BYTES, or client=BYTES,server=BYTES
    /// [default: 8192, or the scenario's]
    #[arg(long, value_name = "BYTES", value_parser = sides::<usize>(128..=1 << 20, "8192"), allow_hyphen_values = true)]
    pub buffer: Option<Sides<usize>>,
    /// Hold a small segment back until earlier segments are acknowledged (Nagle's algorithm)
    #[arg(long)]
    pub nagle: bool,
    /// The initial sequence number of every connection: N, or client=N,server=N [default: unpredictable, from the seed]
    #[arg(long, value_name = "N", value_parser = sides::<u32>(0..=u32::MAX.into(), "4294967000"), allow_hyphen_values = true)]
    pub isn: Option<Sides<u32>>,
    /// The window scale that SYN offers, from 0 to 14 [default: the smallest that covers the receive buffer]
    #[arg(long, value_name = "N", value_parser = whole::<u8>(0..=14, "3"), allow_hyphen_values = true)]
    pub window_scale: Option<u8>,
    /// Probe an idle connection after TIME; four probes without an answer end it [default: 75s, or the scenario's]
    #[arg(long, value_name = "TIME", value_parser = positive, allow_hyphen_values = true)]
    pub keep_alive: Option<Duration>,
    /// How many frames can wait for the line that --rate limits; a further frame is dropped [default: no limit, or the
    /// scenario's]
    #[arg(long, value_name = "FRAMES", value_parser = whole::<usize>(1..=50, "20"), allow_hyphen_values = true)]
    pub queue: Option<usize>,
    /// The MTU of a router between the hosts, from 576 to 1500; it answers longer packets with an ICMP error [default:
    /// no limit, or the scenario's]
    #[arg(long, value_name = "BYTES", value_parser = whole::<usize>(576..=1500, "1400"), allow_hyphen_values = true)]
    pub router_mtu: Option<usize>,
    /// Make the router of --router-mtu drop longer packets without an ICMP error
    #[arg(long)]
    pub black_hole: bool,
    /// Run N copies of the client at once, each on a connection of its own, at most 8 [default: 1, or the scenario's]
    #[arg(long, value_name = "N", value_parser = whole::<usize>(1..=8, "2"), allow_hyphen_values = true)]
    pub clients: Option<usize>,
    /// Flood the server with N SYNs from forged addresses, one each millisecond, at most 10000 [default: 0, or the
    /// scenario's]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(0..=10_000, "20"), allow_hyphen_values = true)]
    pub flood: Option<u32>,
}

/// A value for both hosts, or for one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sides<T>([Option<T>; 2]);

impl NetworkArgs {
    /// Returns whether any option is given.
    pub fn is_used(&self) -> bool {
        let NetworkArgs { congestion, buffer, nagle, isn, window_scale, .. } = self;
        let NetworkArgs { keep_alive, queue, router_mtu, black_hole, clients, flood, .. } = self;
        let tcp = congestion.is_some() || buffer.is_some() || isn.is_some() || window_scale.is_some();
        let network = queue.is_some() || router_mtu.is_some() || clients.is_some() || flood.is_some();
        tcp || network || keep_alive.is_some() || *nagle || *black_hole
    }

    /// Applies the options to `setup`.
    ///
    /// # Errors
    /// Fails with a usage error if an option is given without another option that it needs.
    pub fn apply(&self, setup: &mut Setup<'_>) -> Result<(), Failure> {
        setup.congestion = self.congestion.map_or(setup.congestion, Into::into);
        for (buffers, size) in setup.buffers.iter_mut().zip(self.buffer.map_or([None; 2], |sides| sides.0)) {
            *buffers = size.map_or(*buffers, |size| Buffers { receive: size, send: size });
        }
        for (isn, own) in setup.isn.iter_mut().zip(self.isn.map_or([None; 2], |sides| sides.0)) {
            *isn = own.or(*isn);
        }
        setup.nagle |= self.nagle;
        setup.window_scale = self.window_scale.or(setup.window_scale);
        setup.keep_alive = self.keep_alive.map(Into::into).or(setup.keep_alive);
        setup.clients = self.clients.unwrap_or(setup.clients);
        setup.flood = self.flood.unwrap_or(setup.flood);
        let line = &mut setup.line;
        line.queue = self.queue.or(line.queue);
        line.router_mtu = self.router_mtu.or(line.router_mtu);
        line.black_hole |= self.black_hole;
        if line.queue.is_some() && line.rate.is_none() {
            return Err(Failure::usage("--queue needs --rate: frames wait only for a slow line"));
        }
        if line.black_hole && line.router_mtu.is_none() {
            return Err(Failure::usage("--black-hole needs --router-mtu: the size of the packets that get through"));
        }
        Ok(())
    }
}

/// Returns a parser for the values of the sides. The text is `N`, which is for both sides, or `client=N`, `server=N` or
/// `client=N,server=N`. Each number must be in `range`. Error messages show `example` as a possible number.
fn sides<T: TryFrom<u64> + Copy + Send + Sync + 'static>(
    range: std::ops::RangeInclusive<u64>,
    example: &'static str,
) -> impl Fn(&str) -> Result<Sides<T>, String> + Clone + Send + Sync + 'static {
    let number = whole::<T>(range, example);
    move |text| {
        if !text.contains('=') {
            return number(text).map(|value| Sides([Some(value); 2]));
        }
        let mut sides = [None; 2];
        for part in text.split(',') {
            let bad = || format!("'{}' should be client={example} or server={example}", clip(part));
            let (side, value) = part.split_once('=').ok_or_else(bad)?;
            let index = match side {
                "client" => 0,
                "server" => 1,
                _ => return Err(bad()),
            };
            let earlier = sides[index].replace(number(value)?);
            if earlier.is_some() {
                return Err(format!("{side} appears twice"));
            }
        }
        Ok(Sides(sides))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_for_both_sides_or_for_one() {
        let parse = sides::<u32>(1..=9, "5");
        assert_eq!(parse("7"), Ok(Sides([Some(7); 2])));
        assert_eq!(parse("server=7"), Ok(Sides([None, Some(7)])));
        assert_eq!(parse("server=7,client=8"), Ok(Sides([Some(8), Some(7)])));
        for bad in ["", "0", "client", "client=", "client=7,", "client=7,7", "client=7,client=8", "host=7", "=7"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
