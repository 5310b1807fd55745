//! `smolstep get` against servers on the kernel's TCP: what they send, whatever they send, and where it goes.

mod bad_input;
mod files;
mod names;
mod redirects;
mod rig;
mod servers;
