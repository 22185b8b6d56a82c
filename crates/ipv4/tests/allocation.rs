//! Reception of datagrams and fragments allocates nothing after a warm-up.

use std::error::Error;
use std::net::Ipv4Addr;

use inet::IpProtocol;
use ipv4::{
    AddressTable, DestinationKind, Fragments, Instant, Ipv4, Ipv4DropReason, Ipv4Fields, MacAddr,
    ReassemblyLimits,
};

const LOCAL: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

/// IPv4 with the table of its address.
struct Host {
    ipv4: Ipv4,
    table: AddressTable,
}

/// Writes a header into `frame`, and receives the frame. Returns whether a datagram is complete.
fn receive(host: &mut Host, frame: &mut [u8], fields: Ipv4Fields) -> Result<bool, Box<dyn Error>> {
    fields.write_to(frame)?;
    let received = host.ipv4.receive(&host.table, DestinationKind::Unicast, frame)?;
    if !received.datagram.is_fragment() {
        return Ok(true);
    }
    let Some(whole) = host.ipv4.reassemble(Instant::ORIGIN, received.datagram)? else { return Ok(false) };
    host.ipv4.recycle(whole);
    Ok(true)
}

/// Receives a whole datagram, a fragmented datagram of 60,000 bytes, and a damaged header. A fragment of another source
/// precedes each fragment. Returns the number of complete datagrams.
fn round(host: &mut Host, frame: &mut [u8], number: u16) -> Result<usize, Box<dyn Error>> {
    let other_source = Ipv4Addr::from(0x2000_0000 | u32::from(number));
    let mut whole =
        usize::from(receive(host, frame, Ipv4Fields::new(IpProtocol::ICMP, other_source, LOCAL))?);
    let first_fragment =
        Ipv4Fields { more_fragments: true, ..Ipv4Fields::new(IpProtocol::ICMP, other_source, LOCAL) };
    let length = frame.len().min(20 + 1_480);
    for (fragment, identification) in Fragments::of(60_000, length, false)?.zip(0..) {
        receive(host, frame, Ipv4Fields { identification, ..first_fragment })?;
        let part = frame.get_mut(..20 + fragment.range.len()).unwrap_or_default();
        let fields = Ipv4Fields::new(IpProtocol::ICMP, Ipv4Addr::new(10, 0, 0, 1), LOCAL);
        whole += usize::from(receive(host, part, fragment.apply(fields))?);
    }
    if let Some(first) = frame.first_mut() {
        *first = 0x46;
    }
    assert!(matches!(
        host.ipv4.receive(&host.table, DestinationKind::Unicast, frame),
        Err(Ipv4DropReason::Checksum)
    ));
    Ok(whole)
}

#[test]
fn fragmentation_and_reassembly_allocate_nothing_after_warm_up() -> Result<(), Box<dyn Error>> {
    let table = AddressTable::one("10.0.0.2/24".parse()?, MacAddr::new([2, 0, 0, 0, 0, 2]))?;
    let mut host = Host { ipv4: Ipv4::new(ReassemblyLimits::default(), 1), table };
    let mut frame = vec![0; 1_500];
    let mut rounds = |from, to| -> Result<usize, Box<dyn Error>> {
        (from..to).try_fold(0, |whole, number| Ok(whole + round(&mut host, &mut frame, number)?))
    };
    assert_eq!(rounds(0, 10)?, 20);
    let mut whole = Ok(0);
    let allocated = allocation_counter::measure(|| whole = rounds(10, 1_010));
    assert_eq!(whole?, 2_000);
    assert_eq!(allocated.count_total, 0);
    Ok(())
}
