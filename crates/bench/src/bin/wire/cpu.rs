//! Clocks of threads, and where threads run.

use std::fs;
use std::time::Duration;

use nix::libc::clockid_t;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{Pid, gettid};

/// The CPU time of one thread, for any thread of this process to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadClock(ClockId);

impl ThreadClock {
    /// The clock of the calling thread.
    pub(crate) fn mine() -> ThreadClock {
        // clock_getres(2): the complement of the thread's id, the bit that says thread, and the clock that
        // the scheduler keeps.
        const THREAD: clockid_t = 4;
        const SCHEDULER: clockid_t = 2;
        ThreadClock(ClockId::from_raw((!gettid().as_raw() << 3) | THREAD | SCHEDULER))
    }

    /// CPU time so far, in the kernel and out of it; zero for a thread that has ended.
    pub(crate) fn now(self) -> Duration {
        clock_gettime(self.0).map_or(Duration::ZERO, Duration::from)
    }
}

/// The CPUs that this process may run on.
pub(crate) fn allowed() -> Vec<usize> {
    let Ok(set) = sched_getaffinity(Pid::from_raw(0)) else { return Vec::new() };
    (0..CpuSet::count()).filter(|cpu| set.is_set(*cpu).unwrap_or(false)).collect()
}

/// Keeps the calling thread on one CPU.
pub(crate) fn pin(cpu: usize) -> Result<(), String> {
    let mut set = CpuSet::new();
    set.set(cpu).and_then(|()| sched_setaffinity(Pid::from_raw(0), &set)).map_err(|errno| {
        format!("cannot stay on CPU {cpu}: {}; `taskset -pc $$` tells the CPUs", errno.desc())
    })
}

/// How many `read` and `write` calls this process has made; none where the kernel does not count them.
/// Asking costs one of them.
pub(crate) fn reads_and_writes() -> Option<u64> {
    let text = fs::read_to_string("/proc/self/io").ok()?;
    let field = |name: &str| -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
    };
    Some(field("syscr:")? + field("syscw:")?)
}
