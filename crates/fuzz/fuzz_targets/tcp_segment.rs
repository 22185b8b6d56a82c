//! Bytes of a TCP segment: arbitrary, or written from fields and then damaged. Checks that a segment is parsed within its
//! bytes, and that its fields can be written again.
#![no_main]

use std::net::{Ipv4Addr, SocketAddrV4};

use inet::checksum;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use tap::Checksum;
use tcp::{Flags, Options, Segment, SegmentFields, SequenceNumber, TcpOption, TcpOptions};

const ADDRESSES: (Ipv4Addr, Ipv4Addr) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
/// Length of a header without options, in bytes.
const HEADER: usize = 20;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    ports: (u16, u16),
    numbers: (u32, u32),
    flags: u8,
    window: u16,
    urgent_pointer: u16,
    /// Options in any form, and the data.
    rest: &'a [u8],
    words: u8,
    /// Position and value of a byte that differs.
    damage: Option<(u8, u8)>,
}

fuzz_target!(|input: (Input<'_>, &[u8])| {
    let (segment, bytes) = input;
    check(&segment.bytes());
    check(bytes);
});

impl Input<'_> {
    /// Returns the bytes of the segment, with a valid checksum unless a byte is damaged.
    fn bytes(&self) -> Vec<u8> {
        let fields = SegmentFields {
            source: SocketAddrV4::new(ADDRESSES.0, self.ports.0),
            destination: SocketAddrV4::new(ADDRESSES.1, self.ports.1),
            sequence: SequenceNumber::new(self.numbers.0),
            acknowledgment: SequenceNumber::new(self.numbers.1),
            flags: Flags::from_bits(self.flags),
            window: self.window,
            urgent_pointer: self.urgent_pointer,
            options: Options::NONE,
        };
        let mut bytes = [&[0; HEADER][..], self.rest].concat();
        if fields.write_to(&mut bytes).is_err() {
            return bytes;
        }
        // The checksum of the header changes with its length.
        bytes[12] = self.words << 4;
        bytes[16..18].fill(0);
        let sum = checksum_of(&bytes);
        bytes[16..18].copy_from_slice(&sum.to_be_bytes());
        if let Some((place, value)) = self.damage
            && let Some(byte) = bytes.get_mut(usize::from(place))
        {
            *byte ^= value;
        }
        bytes
    }
}

/// Checks the segment that these bytes are parsed to, with and without a verified checksum.
fn check(bytes: &[u8]) {
    let unverified = Segment::parse(bytes, ADDRESSES, Checksum::None);
    let verified = Segment::parse(bytes, ADDRESSES, Checksum::Verified);
    if let Ok(segment) = unverified {
        assert_eq!(verified, Ok(segment));
        assert_eq!(checksum_of(bytes), 0, "wrong checksum accepted");
    }
    let Ok(segment) = verified else { return };
    assert_eq!(segment.header_length + segment.data_length, bytes.len());
    let options = &bytes[HEADER..segment.header_length];
    assert!(TcpOptions::new(options).count() <= options.len(), "a byte of the options was read twice");
    let has_invalid = TcpOptions::new(options)
        .any(|option| matches!(option, TcpOption::InvalidLength { .. } | TcpOption::Malformed { .. }));
    assert_eq!(segment.has_invalid_option, has_invalid);
    check_written(&segment, bytes);
    if let Some(reset) = SegmentFields::reset_for(&segment) {
        assert!(!segment.flags.contains(Flags::RST) && reset.flags.contains(Flags::RST));
        let mut reset_bytes = vec![0; reset.header_length()];
        reset.write_to(&mut reset_bytes).expect("reset should be written");
        let (source, destination) = ADDRESSES;
        let parsed = Segment::parse(&reset_bytes, (destination, source), Checksum::None);
        assert_eq!(parsed.map(|reset| SegmentFields::reset_for(&reset)), Ok(None));
    }
}

/// Writes the fields of a segment again, and checks that they are parsed to the same fields.
fn check_written(segment: &Segment, bytes: &[u8]) {
    let Segment {
        source, destination, sequence, acknowledgment, flags, window, urgent_pointer, options, ..
    } = *segment;
    let fields = SegmentFields {
        source,
        destination,
        sequence,
        acknowledgment,
        flags,
        window,
        urgent_pointer,
        options,
    };
    let mut written = vec![0; fields.header_length()];
    written.extend_from_slice(&bytes[segment.header_length..]);
    if written.len() > SegmentFields::MAX_LENGTH {
        assert!(fields.write_to(&mut written).is_err());
        return;
    }
    fields.write_to(&mut written).expect("segment should be written");
    let again = Segment::parse(&written, ADDRESSES, Checksum::None).expect("written segment should be valid");
    let header_length = written.len() - segment.data_length;
    // Written options are padded to words, so fewer selective acknowledgments may fit.
    let (sack, all) = (again.options.sack, options.sack.as_slice());
    assert!(all.starts_with(sack.as_slice()));
    assert!(sack.len() == all.len() || header_length + 8 > 60, "capacity for a block was not used");
    let options = Options { sack, ..options };
    assert_eq!(again, Segment { has_invalid_option: false, header_length, options, ..*segment });
}

/// Returns the checksum of the pseudo-header and these bytes: 0 if they contain a valid checksum.
fn checksum_of(bytes: &[u8]) -> u16 {
    let (source, destination) = ADDRESSES;
    let length = u16::try_from(bytes.len()).expect("length should fit in 16 bits");
    let head = [&source.octets()[..], &destination.octets(), &[0, 6], &length.to_be_bytes()].concat();
    checksum::of(&[&head[..], bytes].concat())
}
