//! The fields of a reply in the formats of `--csv` and `--format`.

use link::MacAddr;

use super::event::ReplyEvent;
use crate::local_time::Rfc3339;

/// A field of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReplyField {
    Ip,
    Mac,
    Vendor,
    Name,
    RttMs,
    Time,
    ReplyNumber,
    OtherMac,
}

impl ReplyField {
    /// All fields, in the order of the columns of `--csv`.
    pub(super) const ALL: [ReplyField; 8] = [
        ReplyField::Ip,
        ReplyField::Mac,
        ReplyField::Vendor,
        ReplyField::Name,
        ReplyField::RttMs,
        ReplyField::Time,
        ReplyField::ReplyNumber,
        ReplyField::OtherMac,
    ];

    /// Returns the name of the field, which is its name in JSON if it has the same value there.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Mac => "mac",
            Self::Vendor => "vendor",
            Self::Name => "name",
            Self::RttMs => "rtt_ms",
            Self::Time => "time",
            Self::ReplyNumber => "reply_number",
            Self::OtherMac => "other_mac",
        }
    }

    /// Returns the field with this name, in any case.
    pub(super) fn named(name: &str) -> Option<ReplyField> {
        Self::ALL.into_iter().find(|field| field.name().eq_ignore_ascii_case(name))
    }

    /// Returns the value of the field; a field without a value is empty.
    pub(super) fn value(self, event: &ReplyEvent, vendor: Option<&str>) -> String {
        let ReplyEvent { reply, at, name } = event;
        match self {
            Self::Ip => reply.packet.sender_protocol.to_string(),
            Self::Mac => reply.packet.sender_hardware.to_string(),
            Self::Vendor => vendor.unwrap_or_default().to_owned(),
            Self::Name => name.clone().unwrap_or_default(),
            Self::RttMs => format!("{:.3}", reply.rtt.as_secs_f64() * 1e3),
            Self::Time => Rfc3339(at.wall).to_string(),
            Self::ReplyNumber => reply.number.to_string(),
            Self::OtherMac => reply.other_mac.as_ref().map(MacAddr::to_string).unwrap_or_default(),
        }
    }
}
