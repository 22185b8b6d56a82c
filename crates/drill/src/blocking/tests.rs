use std::thread;
use std::time::Duration;

use super::{Calls, EARLY, SecondThread};
use crate::errno::Errno;
use crate::network::Network;
use crate::sockets::Sockets;

fn started() -> Calls {
    let calls = Calls::new();
    calls.start(Sockets::new(Network::new(false).expect("the host should start")));
    calls
}

#[test]
fn blocked_call_returns_at_time_of_its_condition() {
    const STEP: Duration = Duration::from_millis(10);
    let calls = started();
    let start = calls.time();
    let returned = thread::scope(|scope| {
        let blocked = scope.spawn(|| {
            let result = calls.call(
                |_| true,
                |sockets| {
                    let now = sockets.network.now();
                    if now.since(start) >= STEP { Ok(now) } else { Err(Errno::WOULD_BLOCK) }
                },
            );
            // packetdrill reads the clock after each call of its second thread, and the time has not advanced until then.
            thread::sleep(Duration::from_millis(20));
            (result, calls.time())
        });
        while !matches!(calls.lock().second, SecondThread::Blocked { .. }) {
            thread::yield_now();
        }
        for _ in 0..3 {
            calls.sleep(STEP);
        }
        blocked.join().expect("the thread should end")
    });
    let expected = start + STEP + EARLY;
    assert_eq!(returned.0, Ok(expected), "the call returned at another step");
    assert_eq!(
        returned.1,
        expected + Duration::from_micros(1),
        "the time advanced before the call had returned"
    );
}

#[test]
fn blocked_call_of_first_thread_advances_time() {
    let calls = started();
    let start = calls.time();
    let result = calls.call(|_| true, |_| Err::<(), _>(Errno::WOULD_BLOCK));
    assert_eq!(result, Err(Errno::WOULD_BLOCK));
    assert!(calls.time().since(start) >= Duration::from_mins(10), "the call returned early");
}

#[test]
fn calls_fail_after_end() {
    let calls = started();
    calls.end();
    assert_eq!(calls.call_once(|_| Ok(())), Err(Errno::BAD_DESCRIPTOR));
    assert_eq!(calls.inject(&[]), Err(Errno::BAD_DESCRIPTOR));
    assert!(calls.next_packet().is_none(), "a packet without a host");
}
