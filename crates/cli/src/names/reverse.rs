//! Reverse lookups: the names of IP addresses.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::reason;
use dns_lookup::{LookupError, LookupErrorKind, getnameinfo};
use nix::libc::{NI_NAMEREQD, NI_NUMERICSERV};

/// Number of lookups that run at the same time: a resolver waits several seconds for a server that does not answer.
const WORKERS: usize = 16;

/// Number of errors in succession after which no further names are looked up. A single error may concern one name only.
const MAX_ERRORS: usize = 16;

/// Maximum number of values that wait for their names.
const CAPACITY: usize = 4_096;

/// Values that wait for the names of their addresses. The order of the values does not change.
pub(crate) struct NamedQueue<T> {
    jobs: Sender<Job>,
    waiting: VecDeque<(T, Receiver<Lookup>)>,
    /// The first error of the resolver.
    error: Option<String>,
    /// Number of errors since the last lookup without an error.
    errors: usize,
    /// Whether no further names are looked up.
    is_given_up: bool,
}

/// An address, and the channel for its name.
type Job = (Ipv4Addr, Sender<Lookup>);

/// The name of an address, none if the address has no name, or the reason why the name is unknown.
type Lookup = Result<Option<String>, String>;

impl<T> NamedQueue<T> {
    /// Starts the threads that look up names.
    pub(crate) fn start() -> NamedQueue<T> {
        NamedQueue::with_resolver(name_of)
    }

    fn with_resolver(resolve: fn(Ipv4Addr) -> Lookup) -> NamedQueue<T> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..WORKERS {
            let queue = Arc::clone(&queue);
            // The threads end with the queue, or with the program.
            thread::spawn(move || {
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((address, answer)) = job else { return };
                    // After an error or a signal, the name is not needed.
                    let _ = answer.send(resolve(address));
                }
            });
        }
        NamedQueue { jobs, waiting: VecDeque::new(), error: None, errors: 0, is_given_up: false }
    }

    /// Adds a value, and looks up the name of this address. If the lookups are given up, the value has no name.
    pub(crate) fn push(&mut self, value: T, address: Ipv4Addr) {
        let (answer, name) = mpsc::channel();
        if !self.is_given_up {
            // If the threads have ended, `pop` finds a closed channel.
            let _ = self.jobs.send((address, answer));
        }
        self.waiting.push_back((value, name));
    }

    /// Whether no more values should be added until `pop` returns values.
    pub(crate) fn is_full(&self) -> bool {
        self.waiting.len() >= CAPACITY
    }

    /// Whether no value waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Removes and returns the oldest value with its name, if the name is known within `limit`. If the lookups are given up,
    /// returns the oldest value immediately.
    pub(crate) fn pop(&mut self, limit: Duration) -> Option<(T, Option<String>)> {
        let (_, name) = self.waiting.front()?;
        let limit = if self.is_given_up { Duration::ZERO } else { limit };
        let name = match name.recv_timeout(limit) {
            Ok(Ok(name)) => {
                self.errors = 0;
                name
            }
            Ok(Err(error)) => {
                self.error.get_or_insert(error);
                self.errors = self.errors.saturating_add(1);
                // The other lookups would wait for the same resolver.
                self.is_given_up |= self.errors >= MAX_ERRORS;
                None
            }
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) if self.is_given_up => None,
            Err(RecvTimeoutError::Timeout) => return None,
        };
        self.waiting.pop_front().map(|(value, _)| (value, name))
    }

    /// Looks up no further names, and waits for no name: `pop` returns the values with the names that are known.
    pub(crate) fn give_up(&mut self) {
        self.is_given_up = true;
    }

    /// Returns the first error of the resolver.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

/// Looks up the name of an address.
fn name_of(address: Ipv4Addr) -> Lookup {
    let address = SocketAddr::new(IpAddr::V4(address), 0);
    lookup(getnameinfo(&address, NI_NAMEREQD | NI_NUMERICSERV))
}

/// Returns the name in the result of the resolver. A name with other characters than those of a host name counts as no
/// name, because any server of the reverse zone chooses the name, and the name is printed.
fn lookup(result: Result<(String, String), LookupError>) -> Lookup {
    match result {
        Ok((name, _)) => Ok(Some(name).filter(|name| is_host_name(name))),
        Err(error) if matches!(error.kind(), LookupErrorKind::NoName) => Ok(None),
        // The name is not UTF-8: an error of `dns_lookup`, which has no number.
        Err(error) if error.error_num() == 0 => Ok(None),
        Err(error) => Err(reason(&error.into())),
    }
}

/// Whether a name has only letters, digits, dots, hyphens and underscores of ASCII.
fn is_host_name(name: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !name.is_empty() && name.bytes().all(is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_mins(1);

    fn host(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, last)
    }

    #[test]
    fn values_keep_their_order_when_first_lookup_is_slow() {
        let mut queue = NamedQueue::with_resolver(|address| {
            if address == host(1) {
                thread::sleep(Duration::from_millis(50));
            }
            Ok((address != host(2)).then(|| format!("host-{address}")))
        });
        for last in 1..=3 {
            queue.push(last, host(last));
        }
        let popped: Vec<_> = (0..3).map(|_| queue.pop(TIMEOUT).unwrap()).collect();
        let name = |last| Some(format!("host-10.0.0.{last}"));
        assert_eq!(popped, [(1, name(1)), (2, None), (3, name(3))]);
        assert!(queue.is_empty() && queue.error().is_none() && queue.pop(Duration::ZERO).is_none());
    }

    #[test]
    fn value_waits_for_its_name() {
        let mut queue = NamedQueue::with_resolver(|_| {
            thread::sleep(Duration::from_millis(200));
            Ok(None)
        });
        queue.push((), host(1));
        assert_eq!(queue.pop(Duration::ZERO), None, "a name was returned before the end of its lookup");
        assert_eq!(queue.pop(TIMEOUT), Some(((), None)));
    }

    #[test]
    fn values_have_no_names_after_errors_in_succession() {
        let mut queue = NamedQueue::with_resolver(|address| match address.octets()[3] {
            // The error of one address, a name, then errors.
            2 => Ok(Some("two".to_owned())),
            1 | 3..=18 => Err("no server".to_owned()),
            _ => {
                thread::park();
                Ok(None)
            }
        });
        for last in 1..=19 {
            queue.push(last, host(last));
        }
        assert_eq!(queue.pop(TIMEOUT), Some((1, None)));
        assert_eq!(queue.error(), Some("no server"));
        assert_eq!(queue.pop(TIMEOUT), Some((2, Some("two".to_owned()))));
        for last in 3..=17 {
            assert_eq!(queue.pop(TIMEOUT), Some((last, None)));
        }
        assert!(!queue.is_given_up, "the lookups are given up after 15 errors");
        assert_eq!(queue.pop(TIMEOUT), Some((18, None)));
        assert_eq!(queue.pop(TIMEOUT), Some((19, None)));
        queue.push(2, host(2));
        assert_eq!(queue.pop(TIMEOUT), Some((2, None)));
    }

    #[test]
    fn values_have_no_names_after_lookups_are_given_up() {
        let mut queue = NamedQueue::with_resolver(|_| {
            thread::park();
            Ok(Some("late".to_owned()))
        });
        queue.push((), host(1));
        queue.give_up();
        queue.push((), host(2));
        for _ in 0..2 {
            assert_eq!((queue.pop(Duration::ZERO), queue.error()), (Some(((), None)), None));
        }
    }

    #[test]
    fn name_with_other_characters_counts_as_no_name() {
        for name in ["a-1_b.example.", "X", "xn--mnchen-3ya.example"] {
            assert_eq!(lookup(Ok((name.to_owned(), String::new()))), Ok(Some(name.to_owned())));
        }
        for name in ["", "a b", "a\u{1b}[2J", "a,b", "a\nb", "=x", "m\u{fc}nchen", "a\u{202e}b", "\"", "a/b"]
        {
            assert_eq!(lookup(Ok((name.to_owned(), String::new()))), Ok(None), "{name:?}");
        }
        let not_utf8 = std::io::Error::other("Host UTF8 parsing failed");
        assert_eq!(lookup(Err(not_utf8.into())), Ok(None));
        assert_eq!(lookup(Err(LookupError::new(nix::libc::EAI_NONAME))), Ok(None));
        assert!(lookup(Err(LookupError::new(nix::libc::EAI_AGAIN))).is_err());
    }

    #[test]
    fn queue_has_limit() {
        let mut queue = NamedQueue::with_resolver(|_| Ok(None));
        for _ in 1..CAPACITY {
            queue.push((), host(1));
        }
        assert!(!queue.is_full());
        queue.push((), host(1));
        assert!(queue.is_full());
        assert!(queue.pop(TIMEOUT).is_some() && !queue.is_full());
    }
}
