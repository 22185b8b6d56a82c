//! A table allocates its memory when it is created, and allocates no memory after that.

use std::net::Ipv4Addr;
use std::time::Duration;

use link::{Instant, MacAddr};
use neighbor::{Merge, NeighborAction, NeighborSettings, NeighborTable, Resolution, SenderObservation};

type Table = NeighborTable<Ipv4Addr, u32>;

/// Returns the address of an unknown sender, from 10.0.0.0 on.
fn unknown_sender(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0000 + number)
}

fn observation(number: u32, is_reply_to_local: bool) -> SenderObservation {
    let [a, b, c, d] = number.to_be_bytes();
    SenderObservation { mac: MacAddr::new([2, 0, a, b, c, d]), is_reply_to_local }
}

// proves: table-memory
#[test]
fn entry_takes_at_most_80_bytes_with_index_cells() {
    let bytes = |entries| {
        let settings = NeighborSettings { entries, pending: 0, ..NeighborSettings::default() };
        let mut table = None;
        let made = allocation_counter::measure(|| table = Some(Table::new(settings)));
        assert!(table.is_some_and(|table| table.is_empty()));
        made.bytes_total
    };
    // A table of one entry consists of that entry, 64 bytes, and of the memory that all tables need.
    let fixed = bytes(1) - 64;
    for entries in [16, 1_000, 1_024, 1_025, 65_537, 1_000_000, (1 << 19) + 1, 1 << 20] {
        let limit = u64::try_from(entries).unwrap() * 80;
        assert!(bytes(entries) - fixed <= limit, "{entries}: {}", bytes(entries));
    }
}

// proves: table-memory
#[test]
fn million_unknown_senders_allocate_nothing() {
    let mut table = Table::new(NeighborSettings::default());
    let allocations = allocation_counter::measure(|| {
        for number in 0..1_000_000 {
            let now = Instant::from_nanos(u64::from(number) * 1_000);
            assert_eq!(
                table.learn(now, unknown_sender(number), observation(number % 1_000, false)),
                Merge::Added
            );
            while table.poll(now).is_some() {}
            while table.take_event().is_some() {}
        }
    });
    assert_eq!((allocations.count_total, table.len()), (0, 1_024));
}

// proves: table-memory
#[test]
fn pending_packets_allocate_nothing() {
    let mut table = Table::new(NeighborSettings { entries: 64, ..NeighborSettings::default() });
    let mut now = Instant::ORIGIN;
    let (mut sent, mut returned) = (0, 0);
    let allocations = allocation_counter::measure(|| {
        for round in 0..200_u32 {
            // No action is taken while these packets arrive.
            for number in 0..2_000_u32 {
                match table.resolve(now, unknown_sender(number % 48), 400, number) {
                    Resolution::Pending => {}
                    Resolution::Known(..) => sent += 1,
                    Resolution::Refused(_) => returned += 1,
                }
            }
            for number in (0..48).filter(|number| (number + round) % 3 == 0) {
                table.merge(now, unknown_sender(number), observation(number, round % 2 == 0));
            }
            for number in (0..48).filter(|number| (number + round) % 7 == 0) {
                table.remove(unknown_sender(number));
            }
            while let Some(due) = table.poll(now) {
                match due {
                    NeighborAction::Send { .. } => sent += 1,
                    NeighborAction::Return { .. } => returned += 1,
                    NeighborAction::Request { .. } => {}
                }
            }
            now = now + Duration::from_millis(700);
        }
    });
    assert_eq!(allocations.count_total, 0);
    assert!(sent > 10_000 && returned > 10_000, "{sent} sent, {returned} returned");
}
