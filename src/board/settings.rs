//! What the build was told: see `build.rs`.

include!(concat!(env!("OUT_DIR"), "/settings.rs"));
