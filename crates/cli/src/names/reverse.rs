//! Reverse lookups: the names of IP addresses.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::reason;
use dns_lookup::{LookupErrorKind, getnameinfo};
use nix::libc::{NI_NAMEREQD, NI_NUMERICSERV};

/// Number of lookups that run at the same time: a resolver waits several seconds for a server that does not answer.
const WORKERS: usize = 16;

/// Maximum number of values that wait for their names.
const CAPACITY: usize = 4_096;

/// Values that wait for the names of their addresses. The order of the values does not change.
pub(crate) struct NamedQueue<T> {
    jobs: Sender<Job>,
    waiting: VecDeque<(T, Receiver<Lookup>)>,
    /// The first error of the resolver.
    error: Option<String>,
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
        NamedQueue { jobs, waiting: VecDeque::new(), error: None }
    }

    /// Adds a value, and looks up the name of this address. After an error of the resolver, the value has no name.
    pub(crate) fn push(&mut self, value: T, address: Ipv4Addr) {
        let (answer, name) = mpsc::channel();
        if self.error.is_none() {
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

    /// Removes and returns the oldest value with its name, if the name is known within `limit`.
    pub(crate) fn pop(&mut self, limit: Duration) -> Option<(T, Option<String>)> {
        let (_, name) = self.waiting.front()?;
        let name = match name.recv_timeout(limit) {
            Ok(Ok(name)) => name,
            Ok(Err(error)) => {
                self.error.get_or_insert(error);
                None
            }
            Err(RecvTimeoutError::Disconnected) => None,
            // After an error, the other lookups would wait for the same resolver.
            Err(RecvTimeoutError::Timeout) if self.error.is_some() => None,
            Err(RecvTimeoutError::Timeout) => return None,
        };
        self.waiting.pop_front().map(|(value, _)| (value, name))
    }

    /// Waits for no more names: `pop` returns the values without names.
    pub(crate) fn give_up(&mut self) {
        for (_, name) in &mut self.waiting {
            // A closed channel has no name.
            *name = mpsc::channel().1;
        }
    }

    /// Returns the first error of the resolver.
    pub(crate) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }
}

/// Looks up the name of an address.
fn name_of(address: Ipv4Addr) -> Lookup {
    let address = SocketAddr::new(IpAddr::V4(address), 0);
    match getnameinfo(&address, NI_NAMEREQD | NI_NUMERICSERV) {
        Ok((name, _)) => Ok(Some(name)),
        Err(error) if matches!(error.kind(), LookupErrorKind::NoName) => Ok(None),
        Err(error) => Err(reason(&error.into())),
    }
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
    fn values_have_no_names_after_error_of_resolver() {
        let mut queue = NamedQueue::with_resolver(|address| match address {
            address if address == host(1) => Err("no server".to_owned()),
            _ => {
                thread::park();
                Ok(None)
            }
        });
        for last in 1..=2 {
            queue.push(last, host(last));
        }
        assert_eq!(queue.pop(TIMEOUT), Some((1, None)));
        assert_eq!(queue.error(), Some("no server"));
        assert_eq!(queue.pop(Duration::ZERO), Some((2, None)));
        queue.push(3, host(3));
        assert_eq!(queue.pop(Duration::ZERO), Some((3, None)));
    }

    #[test]
    fn values_have_no_names_after_lookups_are_given_up() {
        let mut queue = NamedQueue::with_resolver(|_| {
            thread::park();
            Ok(Some("late".to_owned()))
        });
        queue.push((), host(1));
        queue.give_up();
        assert_eq!((queue.pop(Duration::ZERO), queue.error()), (Some(((), None)), None));
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
