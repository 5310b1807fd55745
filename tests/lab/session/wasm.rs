//! The WebAssembly module answers the same commands as the library, byte for byte.
