//! The sessions of the lab that pages have opened.

use std::sync::Arc;

use tokio::sync::Mutex;

use crate::lab::session::LabSession;

/// The open sessions, the least recently used one first.
pub struct Sessions {
    /// The largest number of sessions that are open at a time.
    most: usize,
    /// The largest number of bytes that the recorded entries of one session take.
    most_bytes: usize,
    /// The id of the next session.
    next: u64,
    open: Vec<Open>,
}

/// A session that commands and threads share. The lock lets only one command of a session run at a time.
pub type Shared = Arc<Mutex<LabSession>>;

struct Open {
    id: u64,
    session: Shared,
}

impl Sessions {
    /// Creates a list of at most `most` sessions. Their recorded entries take at most `memory` bytes together.
    pub fn new(most: usize, memory: usize) -> Self {
        Sessions { most, most_bytes: memory / most.max(1), next: 1, open: Vec::new() }
    }

    /// Opens a session and returns its id. If the list is full, first closes the session that has been idle longest.
    /// Returns `None` if no session is idle.
    pub fn open(&mut self) -> Option<u64> {
        if self.open.len() >= self.most {
            // The list begins with the least recently used session. If only the list holds a session, no command is
            // using it.
            let idle = self.open.iter().position(|open| Arc::strong_count(&open.session) == 1)?;
            self.open.remove(idle);
        }
        let id = self.next;
        self.next += 1;
        let session = Arc::new(Mutex::new(LabSession::with_memory(self.most_bytes)));
        self.open.push(Open { id, session });
        Some(id)
    }

    /// Returns the session whose id is `id`, for a command, and records that it is the most recently used one. The
    /// session is busy until the caller drops the returned value.
    pub fn find(&mut self, id: &str) -> Option<Shared> {
        let index = self.open.iter().position(|open| open.id.to_string() == id)?;
        // The most recently used session is last in the list.
        let open = self.open.remove(index);
        let session = open.session.clone();
        self.open.push(open);
        Some(session)
    }

    /// Closes the session whose id is `id`, if there is one.
    pub fn close(&mut self, id: &str) {
        self.open.retain(|open| open.id.to_string() != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_that_was_idle_for_the_longest_time_goes() {
        let mut sessions = Sessions::new(2, 1 << 20);
        assert_eq!((sessions.open(), sessions.open()), (Some(1), Some(2)));
        // A command to the older session makes the other one the oldest.
        drop(sessions.find("1"));
        assert_eq!(sessions.open(), Some(3));
        assert!(sessions.find("2").is_none());
        assert!(sessions.find("1").is_some() && sessions.find("3").is_some());
    }

    /// A session is busy until the value that `find` returns is dropped. A busy session is never closed.
    #[test]
    fn a_session_with_a_command_stays() {
        let mut sessions = Sessions::new(2, 1 << 20);
        sessions.open();
        sessions.open();
        let first = sessions.find("1").unwrap();
        let second = sessions.find("2").unwrap();
        assert_eq!(sessions.open(), None);
        drop(second);
        assert_eq!(sessions.open(), Some(3));
        assert!(sessions.find("1").is_some() && sessions.find("2").is_none());
        drop(first);
    }

    #[test]
    fn only_the_exact_id_finds_or_closes_a_session() {
        let mut sessions = Sessions::new(2, 1 << 20);
        assert_eq!(sessions.open(), Some(1));
        // The last of these ids is 2^64 + 1, which a 64-bit number would store as 1.
        for id in ["", "0", "01", "+1", "1 ", "2", "18446744073709551617"] {
            assert!(sessions.find(id).is_none(), "{id}");
            sessions.close(id);
        }
        assert!(sessions.find("1").is_some());
        sessions.close("1");
        assert!(sessions.find("1").is_none());
    }
}
