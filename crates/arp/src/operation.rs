//! What an ARP packet is.

use std::fmt;

/// The operation of a packet (`ar$op`): an open number with names for those that have one.
///
/// RFC 826 acts on 1 and 2 alone; the others belong to other standards.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Operation(pub u16);

impl Operation {
    /// Who has the target protocol address?
    pub const REQUEST: Operation = Operation(1);
    /// The sender has the sender protocol address.
    pub const REPLY: Operation = Operation(2);

    /// The name of the operation and the RFC that gave it, if one did.
    pub const fn name(self) -> Option<(&'static str, u16)> {
        Some(match self.0 {
            1 => ("Request", 826),
            2 => ("Reply", 826),
            3 => ("Reverse Request", 903),
            4 => ("Reverse Reply", 903),
            8 => ("Inverse Request", 2390),
            9 => ("Inverse Reply", 2390),
            24 => ("Experimental 1", 5494),
            25 => ("Experimental 2", 5494),
            0 | 65_535 => ("Reserved", 5494),
            _ => return None,
        })
    }

    /// Whether another standard than RFC 826 owns it: it is known by name and never acted on.
    pub const fn is_foreign(self) -> bool {
        // spec: rfc826-foreign
        matches!(self.name(), Some((_, owner)) if owner != 826)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "Unknown ({})", self.0),
        }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
