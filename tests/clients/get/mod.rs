//! `smolstep get` with servers on the kernel's TCP.
//!
//! The tests cover valid and invalid responses, redirects, names, and the file or pipe for the body.

mod bad_input;
mod files;
mod names;
mod old_servers;
mod redirects;
mod rig;
mod servers;
