use super::*;

const LONG: Duration = Duration::from_hours(1);

fn stops() -> (Stop, Stop) {
    (Stop::new().unwrap(), Stop::new().unwrap())
}

#[test]
fn whoever_is_ready_ends_the_wait_asleep_or_not() {
    for spin in [Duration::ZERO, LONG] {
        let (device, stop) = stops();
        device.raise();
        let woken = wait(device.as_fd(), false, stop.as_fd(), None, spin).unwrap();
        assert_eq!(woken, Woken { device: true, stop: false });

        let (device, stop) = stops();
        stop.raise();
        let woken = wait(device.as_fd(), false, stop.as_fd(), None, spin).unwrap();
        assert_eq!(woken, Woken { device: false, stop: true });

        // An eventfd has room from the first.
        let (device, stop) = stops();
        let woken = wait(device.as_fd(), true, stop.as_fd(), None, spin).unwrap();
        assert_eq!(woken, Woken { device: true, stop: false });
    }
}

#[test]
fn the_limit_ends_the_wait_before_the_spin_does() {
    for limit in [Duration::ZERO, Duration::from_millis(1)] {
        let (device, stop) = stops();
        let woken = wait(device.as_fd(), false, stop.as_fd(), Some(limit), LONG).unwrap();
        assert_eq!(woken, Woken::default());
    }
}

#[test]
fn it_sleeps_when_it_has_spun() {
    let (device, stop) = stops();
    let later = stop.clone();
    let raiser = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        later.raise();
    });
    let before = switches();
    let woken = wait(device.as_fd(), false, stop.as_fd(), None, Duration::from_micros(50)).unwrap();
    assert_eq!(woken, Woken { device: false, stop: true });
    assert!(switches() > before, "a sleeper gives the processor away");
    raiser.join().unwrap();
}

/// How often this thread has gone to sleep.
fn switches() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    line.and_then(|count| count.trim().parse().ok()).unwrap()
}
