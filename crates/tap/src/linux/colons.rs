//! Hardware addresses in the kernel's own notation.

use std::fmt;

/// Prints six octets as `02:00:00:00:00:01`. The type for hardware addresses is `link`'s.
pub(super) struct Colons(pub(super) [u8; 6]);

impl fmt::Display for Colons {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(formatter, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}
