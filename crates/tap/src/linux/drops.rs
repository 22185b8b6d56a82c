//! Frames that the kernel dropped instead of sending them.

use std::fs;
use std::io;

use super::{Interface, InterfaceName};

impl Interface {
    /// How many frames the kernel dropped that were to leave by this interface, since it exists. On a TAP these are
    /// frames that its reader did not read in time: the queue was full.
    ///
    /// # Errors
    ///
    /// That of reading `/proc/self/net/dev`, or `NotFound` if it does not list the interface.
    pub fn transmit_drops(&self) -> io::Result<u64> {
        let table = fs::read_to_string("/proc/self/net/dev")?;
        transmit_drops(&table, self.name()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// The column `drop` of `Transmit`, behind the eight of `Receive`.
fn transmit_drops(table: &str, name: &InterfaceName) -> Option<u64> {
    let columns = table.lines().find_map(|line| {
        let (listed, columns) = line.rsplit_once(':')?;
        (listed.trim() == name.as_str()).then_some(columns)
    })?;
    columns.split_ascii_whitespace().nth(11)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
  tap0:    1000      10    0    3    0     0          0         0     2000      20    0   17    0     0       0          0
";

    #[test]
    fn transmit_drops_are_read_from_the_kernels_table() {
        let drops = |name: &str| transmit_drops(TABLE, &name.parse().expect("a name"));
        assert_eq!((drops("tap0"), drops("lo")), (Some(17), Some(0)));
        assert_eq!((drops("tap"), drops("tap01"), drops("face")), (None, None, None));
        assert_eq!(transmit_drops("tap0: 1 2 3", &"tap0".parse().expect("a name")), None);
    }
}
