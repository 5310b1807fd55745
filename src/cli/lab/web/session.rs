//! A stand-in for the lab's session.

/// Answers every command with an error.
#[derive(Default)]
pub struct LabSession {}

impl LabSession {
    /// Answers a command.
    pub fn command(&mut self, request: &str) -> String {
        format!("{{\"ok\":false,\"error\":{{\"message\":\"{} bytes\"}}}}", request.len())
    }
}
