use super::*;
use crate::tests::LITTLE;

const ETHERNET: &[LinkType] = &[LinkType::ETHERNET];

/// Returns the first byte of each frame of a capture and the result at its end.
fn read(bytes: &[u8]) -> (Vec<u8>, Result<(), FrameReaderError>) {
    let mut frames = Vec::new();
    let outcome = FrameReader::new(bytes, ETHERNET).and_then(|mut reader| {
        reader.read(|frame| {
            frames.push(frame.bytes[0]);
            true
        })
    });
    (frames, outcome)
}

#[test]
fn pcap_file_is_rejected_when_link_type_is_unsupported() {
    let error = |link_type| match FrameReader::new(&LITTLE.pcap(0xa1b2_c3d4, 4, link_type, &[])[..], ETHERNET)
    {
        Err(error) => error.to_string(),
        Ok(_) => panic!("{link_type} was read"),
    };
    let expected = "unsupported link type LINUX_SLL2 (276)";
    assert_eq!(error(276), expected);
    assert_eq!(error(105), "unsupported link type IEEE802_11 (105)");
    assert_eq!(error(3_333), "unsupported link type 3333");
}

#[test]
fn packets_of_other_link_types_are_counted_and_others_read() {
    let capture = [
        LITTLE.section(1, 0, &[]),
        LITTLE.interface(1, 0, &[]),
        LITTLE.interface(276, 0, &[]),
        LITTLE.enhanced(0, 0, &[1; 60], &[]),
        LITTLE.enhanced(1, 0, &[2; 60], &[]),
        LITTLE.enhanced(1, 0, &[3; 60], &[]),
        LITTLE.enhanced(0, 0, &[4; 60], &[]),
    ]
    .concat();
    let mut numbers = Vec::new();
    let mut reader = FrameReader::new(&capture[..], ETHERNET).unwrap();
    let outcome = reader.read(|frame| {
        numbers.push((frame.number, frame.bytes[0]));
        true
    });
    assert_eq!(numbers, [(1, 1), (4, 4)]);
    let message = outcome.unwrap_err().to_string();
    let expected = "2 packets of unsupported link type LINUX_SLL2 (276) omitted";
    assert_eq!(message, expected);
}

#[test]
fn frame_has_number_and_name_of_its_interface() {
    let interface = |name: &[u8]| LITTLE.interface(1, 0, &LITTLE.option(2, name));
    let frame = |interface| LITTLE.enhanced(interface, 0, &[1; 60], &[]);
    let capture = [
        LITTLE.section(1, 0, &[]),
        interface(b"eth0"),
        frame(0),
        interface(b"eth1"),
        interface(&[b'x'; 65]),
        frame(1),
        frame(2),
        LITTLE.section(1, 0, &[]),
        interface(b"eth2"),
        frame(0),
    ]
    .concat();
    let mut interfaces = Vec::new();
    let mut reader = FrameReader::new(&capture[..], ETHERNET).unwrap();
    let outcome = reader.read(|frame| {
        let PacketInterface { number, name, count } = frame.interface;
        interfaces.push((number, name.map(str::to_owned), count));
        true
    });
    assert!(outcome.is_ok(), "{outcome:?}");
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(interfaces, [(0, name("eth0"), 1), (1, name("eth1"), 3), (2, None, 3), (0, name("eth2"), 1)]);
}

#[test]
fn omitted_packets_are_reported_when_caller_ends_reading() {
    let capture = [
        LITTLE.section(1, 0, &[]),
        LITTLE.interface(1, 0, &[]),
        LITTLE.interface(276, 0, &[]),
        LITTLE.enhanced(0, 0, &[1; 60], &[]),
        LITTLE.enhanced(1, 0, &[2; 60], &[]),
        LITTLE.enhanced(0, 0, &[3; 60], &[]),
        LITTLE.enhanced(1, 0, &[4; 60], &[]),
    ]
    .concat();
    let read_frames = |count| {
        let mut frames = 0;
        let outcome = FrameReader::new(&capture[..], ETHERNET).unwrap().read(|_| {
            frames += 1;
            frames < count
        });
        outcome.map_err(|error| error.to_string())
    };
    assert_eq!(read_frames(1), Ok(()), "a packet behind the last frame was counted");
    assert_eq!(read_frames(2), Err("1 packet of unsupported link type LINUX_SLL2 (276) omitted".to_owned()));
}

#[test]
fn all_omissions_are_counted_in_bounded_memory() {
    let long = vec![7; FRAME_LIMIT + 1];
    let mut blocks = vec![LITTLE.section(1, 0, &[]), LITTLE.block(0x204, &[])];
    blocks.extend((0..20).map(|link_type| LITTLE.interface(link_type, 0, &[])));
    blocks.extend((0..20).map(|interface| LITTLE.enhanced(interface, 0, &[7; 4], &[])));
    blocks.push(LITTLE.enhanced(1, 0, &long, &[]));
    let (frames, outcome) = read(&blocks.concat());
    assert_eq!(frames.len(), 2);
    let Err(FrameReaderError::Omitted(omitted)) = outcome else { panic!("{outcome:?}") };
    let message = omitted.to_string();
    assert!(message.contains("11 packets of further link types omitted"), "{message}");
    assert!(message.contains("1 packet longer than 262144 bytes read in part"), "{message}");
    assert!(message.contains("1 block of unknown type 0x204 omitted"), "{message}");
}
