//! `smolstep get` with servers on the kernel's TCP.
//!
//! Tested are valid and invalid responses, and the destination of the body.

mod bad_input;
mod files;
mod names;
mod old_servers;
mod redirects;
mod rig;
mod servers;
