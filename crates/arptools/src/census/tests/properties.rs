//! Properties for arbitrary packets and times.

use super::*;
use crate::arbitrary;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Jump(u64),
    Receive(FrameInfo, PacketFields),
    Bytes(Vec<u8>),
}

fn mac() -> impl Strategy<Value = MacAddr> {
    let near = (0_u8..4).prop_map(|last| MacAddr::new([2, 0, 0, 0, 0, last]));
    prop_oneof![8 => near, 1 => any::<[u8; 6]>().prop_map(MacAddr::new)]
}

fn ip() -> impl Strategy<Value = Ipv4Addr> {
    let near = (0_u8..6).prop_map(|last| Ipv4Addr::new(10, 0, 0, last));
    prop_oneof![8 => near, 1 => Just(NO_IP), 1 => any::<u32>().prop_map(Ipv4Addr::from_bits)]
}

fn step() -> impl Strategy<Value = Step> {
    let operation = prop_oneof![4 => Just(1), 4 => Just(2), 1 => any::<u16>()];
    let packet = arbitrary::packet(operation, (mac(), ip()), (mac(), ip()));
    let frame = (mac(), any::<bool>(), 0_u16..3).prop_map(|(source, is_broadcast, vlan)| FrameInfo {
        source,
        is_broadcast,
        vlan: VlanId::new(vlan),
    });
    prop_oneof![
        2 => (0_u64..5_000_000).prop_map(Step::Wait),
        1 => any::<u64>().prop_map(Step::Jump),
        8 => (frame, packet).prop_map(|(frame, packet)| Step::Receive(frame, packet)),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Bytes),
    ]
}

/// Result of a run: classifications of the packets, events, and entries at the end.
type RunResult = (Vec<Classification>, Vec<CensusEvent>, Vec<CensusEntry>);

fn run(entries: usize, steps: &[Step]) -> Result<RunResult, TestCaseError> {
    let mut census = Census::new(CensusSettings {
        entries,
        station_flood: 3,
        total_flood: 5,
        many_addresses: 2,
        ..CensusSettings::default()
    });
    let (mut now, mut classifications) = (at(0), Vec::new());
    for step in steps {
        match step {
            Step::Wait(millis) => now = now + Duration::from_millis(*millis),
            Step::Jump(nanos) => now = Instant::from_nanos(*nanos),
            Step::Receive(frame, packet) => {
                classifications.push(receive_in(&mut census, now, *frame, *packet));
            }
            Step::Bytes(bytes) => {
                let frame = FrameInfo { source: A, is_broadcast: true, vlan: None };
                classifications.push(census.receive(now, frame, Packet::parse(bytes)));
            }
        }
        census.poll(now);
        let rows: Vec<_> = census.iter(now).collect();
        prop_assert!(rows.len() <= entries && rows.len() == census.len());
        prop_assert_eq!(census.counts().packets(), u64::try_from(classifications.len()).unwrap());
        for row in &rows {
            let others = rows.iter().filter(|other| other.mac == row.mac).count();
            prop_assert_eq!(usize::try_from(row.addresses).unwrap(), others);
            prop_assert!(row.mac.is_station() && row.conflict != Some(row.mac));
        }
    }
    let conflicts = classifications
        .iter()
        .filter(|classification| matches!(classification, Classification::Conflict { .. }))
        .count();
    prop_assert_eq!(census.counts().conflicts, u64::try_from(conflicts).unwrap());
    let rows = census.iter(now).collect();
    Ok((classifications, events(&mut census), rows))
}

proptest! {
    /// The limit holds, every packet is counted once, and each station's number of addresses is correct. Equal packets at
    /// equal times give equal results.
    #[test]
    fn arbitrary_packets_are_counted_and_bounded(
        entries in 1_usize..6,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        prop_assert_eq!(run(entries, &steps)?, run(entries, &steps)?);
    }

    /// Hosts with separate addresses never move and never conflict, for any packets at any times.
    #[test]
    fn separate_addresses_never_conflict(
        packets in prop::collection::vec((0_u8..5, 0_u8..5, 0_u64..100_000, 0_u8..4), 1..80),
    ) {
        let mut census = census();
        let mut now = at(0);
        for (station, other, pause, kind) in packets {
            now = now + Duration::from_millis(pause);
            let mac = MacAddr::new([2, 0, 0, 0, 0, station + 1]);
            let (own, other) = (Ipv4Addr::new(10, 0, 0, station), Ipv4Addr::new(10, 0, 0, other));
            let packet = match kind {
                0 => announcement(mac, own),
                1 => request(mac, NO_IP, own),
                2 => reply(mac, own),
                _ => request(mac, own, other),
            };
            let classification = record(&mut census, now, packet);
            prop_assert!(!matches!(classification, Classification::Moved { .. } | Classification::Conflict { .. }), "{:?}", packet);
        }
        prop_assert_eq!((census.counts().conflicts, census.counts().changed), (0, 0));
    }
}
