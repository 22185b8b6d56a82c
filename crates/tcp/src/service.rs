//! IP header fields of segments.

use crate::TcpSettings;

/// The ECN field in the type of service (RFC 3168 5).
const ECN_FIELD: u8 = 0b11;

/// IP header fields of the segments of a connection that have no data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SegmentService {
    /// Time to live. `None` is the default of the host.
    pub time_to_live: Option<u8>,
    /// Type of service. The ECN field is zero.
    pub type_of_service: u8,
}

impl SegmentService {
    /// Returns the fields, with an ECN field of zero.
    pub(crate) fn new(time_to_live: Option<u8>, type_of_service: u8) -> SegmentService {
        SegmentService { time_to_live, type_of_service: type_of_service & !ECN_FIELD }
    }
}

impl From<&TcpSettings> for SegmentService {
    fn from(settings: &TcpSettings) -> SegmentService {
        SegmentService::new(settings.time_to_live, settings.type_of_service)
    }
}
