use std::io::Read;

use proptest::prelude::*;

use super::*;

/// Content of a packet: link type, time, length, captured length, data, flags, comments.
type PacketContent = (u32, Option<u64>, u32, u32, Vec<u8>, Option<u32>, Vec<String>);

/// Returns all packets of a capture and the result at its end.
pub(crate) fn read(from: impl Read) -> (Vec<PacketContent>, Result<(), Error>) {
    let mut packets = Vec::new();
    let mut reader = match PacketReader::new(from) {
        Ok(reader) => reader,
        Err(error) => return (packets, Err(error)),
    };
    loop {
        match reader.next_packet() {
            Ok(Some(packet)) => {
                assert_eq!(usize::try_from(packet.number).unwrap(), packets.len() + 1);
                packets.push((
                    packet.link_type.0,
                    packet.time,
                    packet.length,
                    packet.captured,
                    packet.data.to_vec(),
                    packet.flags,
                    packet.comments().map(std::borrow::Cow::into_owned).collect(),
                ));
            }
            Ok(None) => return (packets, Ok(())),
            Err(error) => return (packets, Err(error)),
        }
    }
}

fn data(bytes: &[u8]) -> Vec<Vec<u8>> {
    let (packets, outcome) = read(bytes);
    outcome.unwrap();
    packets.into_iter().map(|packet| packet.4).collect()
}

fn damage(bytes: &[u8]) -> Damage {
    match read(bytes).1 {
        Err(Error::Damaged(damage)) => damage,
        other => panic!("{other:?}"),
    }
}

/// Encoder for blocks and records, in big-endian order if true.
#[derive(Clone, Copy)]
pub(crate) struct Encoder(pub(crate) bool);

impl Encoder {
    pub(crate) fn u16(self, number: u16) -> [u8; 2] {
        if self.0 { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    pub(crate) fn u32(self, number: u32) -> [u8; 4] {
        if self.0 { number.to_be_bytes() } else { number.to_le_bytes() }
    }

    fn u32s(self, numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|number| self.u32(*number)).collect()
    }

    pub(crate) fn block(self, kind: u32, body: &[u8]) -> Vec<u8> {
        let length = self.u32(u32::try_from(body.len() + 12).unwrap());
        [&self.u32(kind)[..], &length, body, &length].concat()
    }

    pub(crate) fn section(self, major: u16, minor: u16, options: &[u8]) -> Vec<u8> {
        let versions = [self.u16(major), self.u16(minor)].concat();
        self.block(0x0a0d_0d0a, &[&self.u32(0x1a2b_3c4d), &versions[..], &[0xff; 8], options].concat())
    }

    pub(crate) fn interface(self, link_type: u16, snap_length: u32, options: &[u8]) -> Vec<u8> {
        let body = [&self.u16(link_type)[..], &[0; 2], &self.u32(snap_length), options].concat();
        self.block(1, &body)
    }

    pub(crate) fn option(self, code: u16, value: &[u8]) -> Vec<u8> {
        let length = self.u16(u16::try_from(value.len()).unwrap());
        [&self.u16(code)[..], &length, &padded(value)].concat()
    }

    pub(crate) fn enhanced(self, interface: u32, time: u64, data: &[u8], options: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        let (high, low) = (u32::try_from(time >> 32).unwrap(), u32::try_from(time & 0xffff_ffff).unwrap());
        let head = self.u32s(&[interface, high, low, length, length]);
        self.block(6, &[&head[..], &padded(data), options].concat())
    }

    pub(crate) fn pcap(self, magic: u32, minor: u16, link_type: u32, records: &[u8]) -> Vec<u8> {
        let versions = [self.u16(2), self.u16(minor)].concat();
        [&self.u32(magic)[..], &versions, &[0; 8], &self.u32(65_535), &self.u32(link_type), records].concat()
    }

    fn record(self, second: u32, part: u32, lengths: [u32; 2], data: &[u8]) -> Vec<u8> {
        [&self.u32s(&[second, part, lengths[0], lengths[1]])[..], data].concat()
    }
}

fn padded(value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    value.resize(value.len().next_multiple_of(4), 0);
    value
}

pub(crate) const LITTLE: Encoder = Encoder(false);
const BIG: Encoder = Encoder(true);
const MICROSECONDS: u32 = 0xa1b2_c3d4;

#[test]
fn pcap_is_read_in_both_byte_orders_and_units() {
    for order in [LITTLE, BIG] {
        for (magic, part) in [(MICROSECONDS, 123_456), (0xa1b2_3c4d, 123_456_000)] {
            let capture = order.pcap(magic, 4, 1, &order.record(1_700_000_000, part, [42, 60], &[7; 42]));
            let (packets, outcome) = read(&capture[..]);
            outcome.unwrap();
            assert_eq!(packets, [(1, Some(1_700_000_000_123_456_000), 60, 42, vec![7; 42], None, vec![])]);
        }
    }
}

#[test]
fn pcap_lengths_are_swapped_by_version() {
    let truncated = |minor, lengths| {
        let capture = LITTLE.pcap(MICROSECONDS, minor, 1, &LITTLE.record(0, 0, lengths, &[7; 42]));
        let (packets, outcome) = read(&capture[..]);
        outcome.unwrap();
        (packets[0].3, packets[0].2)
    };
    assert_eq!(truncated(0, [60, 42]), (42, 60), "always swapped in versions up to 2.2");
    assert_eq!(truncated(2, [60, 42]), (42, 60));
    assert_eq!(truncated(3, [60, 42]), (42, 60), "swapped in 2.3 if the first is greater");
    assert_eq!(truncated(3, [42, 60]), (42, 60));
    assert_eq!(truncated(4, [42, 60]), (42, 60));
}

#[test]
fn pcap_with_patched_records_is_read() {
    let record = [&LITTLE.record(1, 2, [42, 60], &[])[..], &[1, 0, 0, 0, 8, 6, 0, 0], &[7; 42]].concat();
    let capture = LITTLE.pcap(0xa1b2_cd34, 4, 1, &[&record[..], &record].concat());
    assert_eq!(data(&capture), [vec![7; 42], vec![7; 42]]);
}

#[test]
fn unsupported_format_is_rejected_by_name() {
    let error = |bytes: &[u8]| read(bytes).1.unwrap_err().to_string();
    assert_eq!(error(b""), "the file is empty");
    assert!(error(b"\x1f\x8b\x08\x00").contains("gzip"));
    assert!(error(b"BZh9").contains("bzip2"));
    assert!(error(&LITTLE.pcap(0xa12b_3c4d, 4, 1, &[])).contains("Navtel"));
    assert!(matches!(
        read(&b"Received 3 packets"[..]).1,
        Err(Error::UnsupportedFormat(UnsupportedFormat::Unknown))
    ));
    assert!(matches!(read(&b"abc"[..]).1, Err(Error::UnsupportedFormat(UnsupportedFormat::Unknown))));
    let mut capture = LITTLE.pcap(MICROSECONDS, 5, 1, &[]);
    assert_eq!(error(&capture), "unsupported pcap version 2.5");
    capture[4] = 3;
    assert_eq!(error(&capture), "unsupported pcap version 3.5");
    assert_eq!(error(&LITTLE.section(2, 0, &[])), "unsupported pcapng section version 2.0");
    assert_eq!(error(&LITTLE.section(1, 1, &[])), "unsupported pcapng section version 1.1");
    // Version 1.2 equals 1.0.
    read(&BIG.section(1, 2, &[])[..]).1.unwrap();
}

#[test]
fn unsupported_section_ends_file_after_earlier_sections() {
    let good = [LITTLE.section(1, 0, &[]), LITTLE.interface(1, 0, &[]), LITTLE.enhanced(0, 0, &[7; 4], &[])];
    let (packets, outcome) = read(&[&good.concat()[..], &BIG.section(2, 7, &[])].concat()[..]);
    assert_eq!(packets.len(), 1);
    assert!(matches!(outcome, Err(Error::Version { major: 2, minor: 7, .. })), "{outcome:?}");
}

#[test]
fn section_header_is_read_when_longer_than_block_limit() {
    for order in [LITTLE, BIG] {
        let comments = order.option(1, &vec![b'x'; 60_000]).repeat(20);
        assert!(comments.len() > BLOCK_LIMIT);
        for length in [60_004, comments.len()] {
            let capture = [
                order.section(1, 0, &comments[..length]),
                order.interface(1, 0, &[]),
                order.enhanced(0, 0, &[7; 60], &[]),
            ];
            assert_eq!(data(&capture.concat()), [vec![7; 60]], "{length}");
        }
    }
}

#[test]
fn time_counts_in_interface_units_from_interface_offset() {
    for order in [LITTLE, BIG] {
        let time = |resolution: u8, offset: i64, units: u64| {
            let offset = if order.0 { offset.to_be_bytes() } else { offset.to_le_bytes() };
            let options = [order.option(9, &[resolution]), order.option(14, &offset)].concat();
            let capture = [
                order.section(1, 0, &[]),
                order.interface(1, 0, &options),
                order.enhanced(0, units, &[7; 4], &[]),
            ];
            read(&capture.concat()[..]).0[0].1
        };
        assert_eq!(time(9, 5, 1_000_000_001), Some(6_000_000_001));
        assert_eq!(time(6, 5, 1_000_001), Some(6_000_001_000));
        assert_eq!(time(6, 0, 1_000_001), Some(1_000_001_000));
        assert_eq!(time(0x8a, 5, 1_536), Some(6_500_000_000), "a resolution of 1/1024");
        assert_eq!(time(0xff, 5, 1), Some(5_000_000_000), "finer than any clock");
        assert_eq!(time(6, -1, 2_000_000), Some(1_000_000_000));
        assert_eq!(time(6, -3, 2_000_000), None, "before 1970");
        assert_eq!(time(0, 0, u64::MAX), None, "after the year 2554");
    }
}

#[test]
fn options_after_end_of_options_are_ignored() {
    let options = [LITTLE.option(0, &[]), LITTLE.option(9, &[0]), LITTLE.option(1, b"late")].concat();
    let capture = [
        LITTLE.section(1, 0, &[]),
        LITTLE.interface(1, 0, &options),
        LITTLE.enhanced(0, 1, &[7; 4], &options),
    ];
    let (packets, outcome) = read(&capture.concat()[..]);
    outcome.unwrap();
    assert_eq!((packets[0].1, &packets[0].6), (Some(1_000), &vec![]));
}

#[test]
fn obsolete_packet_block_is_read() {
    for order in [LITTLE, BIG] {
        let head = [&order.u16(1)[..], &order.u16(0xffff), &order.u32s(&[0, 9, 5, 60])].concat();
        let options = [order.option(2, &order.u32(1)), order.option(1, b"old")].concat();
        let capture = [
            order.section(1, 0, &[]),
            order.interface(113, 0, &[]),
            order.interface(1, 0, &[]),
            order.block(2, &[&head[..], &padded(&[7; 5]), &options].concat()),
        ];
        let (packets, outcome) = read(&capture.concat()[..]);
        outcome.unwrap();
        let expected = (1, Some(9_000), 60, 5, vec![7; 5], Some(1), vec!["old".to_owned()]);
        assert_eq!(packets, [expected]);
    }
}

#[test]
fn simple_packet_ends_at_its_length_or_snap_length() {
    let simple = |length: u8, data: &[u8]| LITTLE.block(3, &[&[length, 0, 0, 0][..], data].concat());
    let head = [LITTLE.section(1, 0, &[]), LITTLE.interface(1, 6, &[])].concat();
    let capture = [head, simple(60, &[7; 8]), simple(3, &[7; 4])].concat();
    let (packets, outcome) = read(&capture[..]);
    outcome.unwrap();
    let expected = [(1, None, 60, 6, vec![7; 6], None, vec![]), (1, None, 3, 3, vec![7; 3], None, vec![])];
    assert_eq!(packets, expected);
}

#[test]
fn blocks_without_packets_are_skipped_by_their_length() {
    // Names without an end record, longer than the block limit.
    let names =
        LITTLE.block(4, &[&[1, 0, 8, 0, 10, 0, 0, 1, b'a', 0, 0, 0][..], &vec![0xff; 3_000_000]].concat());
    let capture = [
        LITTLE.section(1, 0, &[]),
        names.clone(),
        LITTLE.interface(1, 0, &[]),
        LITTLE.block(0x8000_0001, &[1; 8]),
        LITTLE.enhanced(0, 0, &[7; 60], &[]),
        names,
    ];
    assert_eq!(data(&capture.concat()), [vec![7; 60]]);
    let mut truncated = capture.concat();
    truncated.truncate(truncated.len() - 1);
    assert!(matches!(read(&truncated[..]).1, Err(Error::Truncated)));
    let last = truncated.len() - 3;
    truncated.push(0);
    truncated[last] ^= 1;
    assert_eq!(damage(&truncated), Damage::BlockLength);
}

#[test]
fn blocks_of_unknown_types_are_counted() {
    let capture = [LITTLE.section(1, 0, &[]), LITTLE.block(0x204, &[1; 8]), LITTLE.block(77, &[])].concat();
    let mut reader = PacketReader::new(&capture[..]).unwrap();
    assert!(reader.next_packet().unwrap().is_none());
    assert_eq!(reader.unknown_blocks(), (2, Some(0x204)));
}

#[test]
fn packet_returns_all_comments_and_flags() {
    let options = [
        LITTLE.option(1, b"first"),
        LITTLE.option(2, &[2, 0, 0, 0]),
        LITTLE.option(1, b""),
        LITTLE.option(1, "zw\u{f6}lf".as_bytes()),
    ];
    let capture = [
        LITTLE.section(1, 0, &[]),
        LITTLE.interface(1, 0, &[]),
        LITTLE.enhanced(0, 0, &[7; 5], &options.concat()),
    ];
    let (packets, outcome) = read(&capture.concat()[..]);
    outcome.unwrap();
    assert_eq!(packets[0].5, Some(2));
    assert_eq!(packets[0].6, ["first", "", "zw\u{f6}lf"]);
}

#[test]
fn damaged_packet_option_hides_only_itself() {
    let options = [&LITTLE.option(1, b"good")[..], &[1, 0, 200, 0]].concat();
    let capture = [
        LITTLE.section(1, 0, &[]),
        LITTLE.interface(1, 0, &[]),
        LITTLE.enhanced(0, 0, &[7; 4], &options),
        LITTLE.enhanced(0, 0, &[8; 4], &[]),
    ];
    let (packets, outcome) = read(&capture.concat()[..]);
    outcome.unwrap();
    assert_eq!((packets.len(), &packets[0].6), (2, &vec!["good".to_owned()]));
}

#[test]
fn contradicting_fields_are_reported_as_damage() {
    let section = LITTLE.section(1, 0, &[]);
    let after = |blocks: &[&[u8]]| damage(&[&section[..], &blocks.concat()].concat());
    let interface = LITTLE.interface(1, 0, &[]);
    assert_eq!(after(&[&LITTLE.enhanced(0, 0, &[7; 4], &[])]), Damage::NoInterface(0));
    let other = [&interface[..], &section, &LITTLE.enhanced(0, 0, &[7; 4], &[])].concat();
    assert_eq!(after(&[&other]), Damage::NoInterface(0), "a new section has no interfaces");
    assert_eq!(after(&[&LITTLE.block(6, &[0; 16])]), Damage::BlockLength);
    let mut long = LITTLE.enhanced(0, 0, &[7; 4], &[]);
    long[20] = 5;
    assert_eq!(after(&[&interface, &long]), Damage::PacketLength);
    assert_eq!(after(&[&LITTLE.interface(1, 0, &[9, 0, 9, 0])]), Damage::InterfaceOptions);
    assert_eq!(after(&[&LITTLE.interface(1, 0, &LITTLE.option(9, &[6, 6]))]), Damage::InterfaceOptions);
    assert_eq!(after(&[&[1, 0, 0, 0, 10, 0, 0, 0]]), Damage::BlockLength);
    assert_eq!(after(&[&[1, 0, 0, 0, 21, 0, 0, 0]]), Damage::BlockLength);
    let mut headless = section.clone();
    headless[8] ^= 1;
    assert_eq!(damage(&headless), Damage::ByteOrder);
    let mut short = section.clone();
    short[4] = 24;
    assert_eq!(damage(&short), Damage::BlockLength);
}

#[test]
fn interfaces_of_section_are_bounded() {
    let interface = LITTLE.interface(1, 0, &[]);
    let capture = [LITTLE.section(1, 0, &[]), interface.repeat(INTERFACE_LIMIT)].concat();
    assert!(read(&capture[..]).1.is_ok());
    assert_eq!(damage(&[&capture[..], &interface].concat()), Damage::Interfaces);
    // A new section starts with no interfaces.
    let more = [&capture[..], &LITTLE.section(1, 0, &[]), &interface.repeat(INTERFACE_LIMIT)].concat();
    assert!(read(&more[..]).1.is_ok());
}

#[test]
fn frame_beyond_limit_is_returned_in_part_in_bounded_memory() {
    let frame = vec![7; 5_000_000];
    let record = LITTLE.record(1, 0, [5_000_000, 5_000_001], &frame);
    let next = LITTLE.record(1, 0, [3, 3], &[8; 3]);
    let classic = [LITTLE.pcap(MICROSECONDS, 4, 1, &record), next].concat();
    let comment = LITTLE.option(1, b"beyond");
    let blocks = [
        LITTLE.section(1, 0, &[]),
        LITTLE.interface(1, 0, &[]),
        LITTLE.enhanced(0, 0, &frame, &comment),
        LITTLE.enhanced(0, 0, &[8; 3], &[]),
    ];
    for capture in [classic, blocks.concat()] {
        let mut reader = PacketReader::new(&capture[..]).unwrap();
        let packet = reader.next_packet().unwrap().unwrap();
        assert_eq!((packet.captured, packet.data.len()), (5_000_000, FRAME_LIMIT));
        let packet = reader.next_packet().unwrap().unwrap();
        assert_eq!(packet.data, [8; 3]);
        assert!(reader.next_packet().unwrap().is_none());
        assert!(reader.capacity() <= BLOCK_LIMIT, "{}", reader.capacity());
    }
}

#[test]
fn truncated_capture_is_read_up_to_truncation() {
    let classic = LITTLE.record(1, 0, [60, 60], &[7; 60]);
    let classic = (LITTLE.pcap(MICROSECONDS, 4, 1, &classic), classic);
    let block = LITTLE.enhanced(0, 0, &[7; 60], &[]);
    let head = [LITTLE.section(1, 0, &[]), LITTLE.interface(1, 0, &[])].concat();
    for (first, second) in [classic, ([&head[..], &block].concat(), block)] {
        let two = [&first[..], &second].concat();
        for end in first.len() + 1..two.len() {
            let (packets, outcome) = read(&two[..end]);
            assert_eq!(packets.len(), 1, "{end}");
            assert!(matches!(outcome, Err(Error::Truncated)), "{end}");
        }
    }
    assert!(matches!(read(&LITTLE.pcap(MICROSECONDS, 4, 1, &[])[..20]).1, Err(Error::Truncated)));
}

#[test]
fn crate_depends_only_on_standard_library() {
    let manifest = include_str!("../Cargo.toml");
    assert!(!manifest.contains("\n[dependencies]"), "{manifest}");
    assert!(!manifest.contains("\n[build-dependencies]"), "{manifest}");
}

/// Reader that returns one byte at a time, like a slow pipe.
struct OneByteReader<'a>(&'a [u8]);

impl Read for OneByteReader<'_> {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let count = to.len().min(1);
        self.0.read(&mut to[..count])
    }
}

/// Returns captures of arbitrary blocks and records, mostly well-formed.
fn capture() -> impl Strategy<Value = Vec<u8>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..80);
    let block = (any::<bool>(), 0..12_u32, bytes(), any::<u16>()).prop_map(|(big, kind, body, code)| {
        let order = Encoder(big);
        match kind {
            0 => order.section(1, 0, &order.option(code % 4, &body)),
            1 => order.interface(1, 0, &order.option(code % 16, &body)),
            6 => order.enhanced(0, 7, &body, &order.option(code % 4, &body)),
            kind => order.block(kind, &padded(&body)),
        }
    });
    let record = (bytes(), 0..4_u32).prop_map(|(body, more)| {
        let length = u32::try_from(body.len()).unwrap();
        LITTLE.record(1, 1, [length, length + more], &body)
    });
    let pcapng = prop::collection::vec(block, 0..12)
        .prop_map(|blocks| [LITTLE.section(1, 0, &[]), blocks.concat()].concat());
    let classic = (prop::collection::vec(record, 0..8), 0..5_u16)
        .prop_map(|(records, minor)| LITTLE.pcap(MICROSECONDS, minor, 1, &records.concat()));
    prop_oneof![pcapng, classic, bytes()]
}

proptest! {
    #[test]
    fn arbitrary_capture_is_read_equally_whole_and_byte_by_byte(
        capture in capture(), wrong in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
    ) {
        let mut capture = capture;
        if let Some((index, byte)) = wrong.filter(|_| !capture.is_empty()) {
            let index = index.index(capture.len());
            capture[index] = byte;
        }
        let (packets, outcome) = read(&capture[..]);
        let (bytewise, other) = read(OneByteReader(&capture));
        prop_assert_eq!(packets, bytewise);
        prop_assert_eq!(format!("{outcome:?}"), format!("{other:?}"));
    }

    #[test]
    fn written_packets_read_back(
        frames in prop::collection::vec((any::<u64>(), prop::collection::vec(any::<u8>(), 0..200), any::<u32>(), ".{0,20}"), 0..20)
    ) {
        let mut out = Vec::new();
        write::section(&mut out, "test");
        write::interface(&mut out, LinkType::ETHERNET, "tap0");
        for (time, data, flags, comment) in &frames {
            let comment = (!comment.is_empty()).then_some(&comment[..]);
            write::packet(&mut out, &write::EnhancedPacket { interface: 0, time: *time, data, flags: *flags, comment });
        }
        let (packets, outcome) = read(&out[..]);
        prop_assert!(outcome.is_ok());
        let expected: Vec<PacketContent> = frames.into_iter().map(|(time, data, flags, comment)| {
            let length = u32::try_from(data.len()).unwrap();
            let comments = (!comment.is_empty()).then_some(comment).into_iter().collect();
            (1, Some(time), length, length, data, Some(flags), comments)
        }).collect();
        prop_assert_eq!(packets, expected);
    }
}
