//! Phrases that a native reader stumbles on are ruled out.
