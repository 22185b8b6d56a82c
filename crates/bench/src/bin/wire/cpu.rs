//! CPU clocks and CPU affinity of threads.

use std::fs;
use std::time::Duration;

use nix::libc::clockid_t;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, gettid};

/// CPU clock of a thread. Any thread of this process can read the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadClock(ClockId);

impl ThreadClock {
    /// Returns the clock of the calling thread.
    pub(crate) fn mine() -> ThreadClock {
        // clock_getres(2): the complement of the thread id, the bit for a thread, and the scheduler's clock.
        const THREAD: clockid_t = 4;
        const SCHEDULER: clockid_t = 2;
        ThreadClock(ClockId::from_raw((!gettid().as_raw() << 3) | THREAD | SCHEDULER))
    }

    /// Returns the user and system CPU time of the thread, or zero if the thread has ended.
    pub(crate) fn now(self) -> Duration {
        clock_gettime(self.0).map_or(Duration::ZERO, Duration::from)
    }
}

/// Returns the CPUs on which this process may run.
pub(crate) fn allowed() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(Pid::from_raw(0)) else { return Vec::new() };
    (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).collect()
}

/// Pins the calling thread to one CPU.
pub(crate) fn pin(cpu: usize) -> Result<(), String> {
    let mut set = CpuSet::new();
    set.set(cpu)
        .and_then(|()| sched_setaffinity(Pid::from_raw(0), &set))
        .map_err(|errno| format!("cannot pin a thread to CPU {cpu}: {} (see `taskset -pc $$`)", errno.desc()))
}

/// Returns the number of `read` and `write` calls of this process, or `None` if the kernel does not count them. Each
/// call of this function adds one to the number.
pub(crate) fn reads_and_writes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/io").ok()?;
    let field = |name: &str| -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    };
    Some(field("syscr:")? + field("syscw:")?)
}
