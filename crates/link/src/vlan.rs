//! VLAN identifiers and tags (IEEE 802.1Q).

use std::fmt;
use std::str::FromStr;

use crate::EtherType;

/// VLAN identifier: 1 to 4,094. In a tag, 0 means "priority only, no VLAN", and 4,095 is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanId(u16);

/// Error of parsing a VLAN identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VlanIdError(String);

/// VLAN tag of a received frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlanTag {
    /// Tag protocol identifier: 0x8100 or 0x88a8.
    pub protocol: EtherType,
    /// Priority (3 bits), drop eligibility (1 bit), VLAN identifier (12 bits).
    pub control: u16,
}

impl VlanId {
    /// Creates an identifier. Returns `None` unless the number is 1 to 4,094.
    pub const fn new(number: u16) -> Option<VlanId> {
        if number >= 1 && number <= 4_094 { Some(VlanId(number)) } else { None }
    }

    /// Returns the number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl VlanTag {
    /// The reserved identifier, which no frame may have.
    pub const RESERVED: u16 = 4_095;

    /// Returns the VLAN identifier (12 bits), 0 for a priority tag.
    pub const fn identifier(self) -> u16 {
        self.control & 0x0fff
    }

    /// Returns the priority, 0 to 7.
    pub const fn priority(self) -> u16 {
        self.control >> 13
    }

    /// Returns whether switches may drop the frame first under congestion.
    pub const fn is_drop_eligible(self) -> bool {
        self.control & 0x1000 != 0
    }
}

impl fmt::Display for VlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for VlanId {
    type Err = VlanIdError;

    fn from_str(text: &str) -> Result<Self, VlanIdError> {
        let number = text.parse().ok();
        number.and_then(VlanId::new).ok_or_else(|| VlanIdError(text.to_owned()))
    }
}

impl fmt::Display for VlanIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid VLAN `{}` (expected 1 to 4094)", self.0)
    }
}

impl std::error::Error for VlanIdError {}
