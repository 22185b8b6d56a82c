//! VLAN identifiers and tags (IEEE 802.1Q).

use std::fmt;
use std::str::FromStr;

use crate::EtherType;

/// The number of a VLAN: 1 to 4,094. 0 says "no VLAN, only a priority", 4,095 is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VlanId(u16);

/// A number that is no VLAN's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VlanIdError(String);

/// One tag as it was found on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VlanTag {
    /// What announced the tag: 0x8100 or 0x88a8 (tag protocol identifier).
    pub protocol: EtherType,
    /// Priority (3 bits), drop eligibility (1 bit), VLAN identifier (12 bits).
    pub control: u16,
}

impl VlanId {
    /// The VLAN of this number, if it is 1 to 4,094.
    pub const fn new(number: u16) -> Option<VlanId> {
        if number >= 1 && number <= 4_094 { Some(VlanId(number)) } else { None }
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl VlanTag {
    /// The identifier that is reserved and never on the wire.
    pub const RESERVED: u16 = 4_095;

    /// The 12 bits of the VLAN identifier, 0 for a priority tag.
    pub const fn identifier(self) -> u16 {
        self.control & 0x0fff
    }

    /// The priority, 0 to 7.
    pub const fn priority(self) -> u16 {
        self.control >> 13
    }

    /// Whether the frame may be dropped first under congestion.
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
        write!(f, "`{}` is no VLAN; it takes a number from 1 to 4094", self.0)
    }
}

impl std::error::Error for VlanIdError {}
