//! Lookups, insertions and removals of sockets cause no allocation after the index has grown, and cutting a frame into
//! segments causes none.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddrV4};

use inet::offload::FrameSegments;
use inet::{Binding, Demultiplexer};
use tap::{Segmentation, SegmentationKind};

#[test]
fn sockets_are_added_found_and_removed_without_allocation_after_growth() -> Result<(), Box<dyn Error>> {
    let all = Binding { addresses: "0.0.0.0/0".parse()?, port: 53 };
    let one = Binding { addresses: "10.0.0.2/32".parse()?, port: 53 };
    let local = SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 2), 53);
    let peers = (1..=1_000_u16).map(|port| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), port));
    let mut sockets = Demultiplexer::new(2_000, 1);
    let mut found = 0;
    let mut add_find_and_remove = || {
        let mut is_added = sockets.insert(0, all, None).is_ok();
        for (place, peer) in (1..).zip(peers.clone()) {
            is_added &= sockets.insert(place, one, Some(peer)).is_ok();
            found += u32::from(is_added && sockets.find(local, peer) == Some(place));
        }
        for (place, peer) in (1..).zip(peers.clone()) {
            sockets.remove(place);
            found += u32::from(sockets.find(local, peer) == Some(0));
        }
        sockets.remove(0);
    };
    // The index grows with its first entries, and never shrinks.
    add_find_and_remove();
    let allocated = allocation_counter::measure(add_find_and_remove);
    assert_eq!(found, 4_000);
    assert_eq!(allocated.count_total, 0);
    Ok(())
}

#[test]
fn frame_is_cut_into_segments_without_allocation() {
    // An Ethernet header, an IPv4 header, a UDP header, and 50,000 bytes of text.
    let mut frame = [&[0; 12][..], &[8, 0, 0x45, 0, 0xc3, 0x6c, 0, 0, 0x40, 0, 64, 17], &[0; 10]].concat();
    frame.extend([0, 7, 0, 9, 0xc3, 0x58, 0, 0]);
    frame.resize(42 + 50_000, 7);
    let segmentation = Segmentation { kind: SegmentationKind::Udp, size: 1_000, header: 42, cwr: false };
    let (mut bytes, mut written) = ([0; 1_500], 0);
    let allocated = allocation_counter::measure(|| {
        let segments = FrameSegments::new(&frame, segmentation).into_iter().flatten();
        written = segments.filter(|segment| segment.write_to(&mut bytes).is_ok()).count();
    });
    assert_eq!(written, 50, "unexpected number of segments");
    assert_eq!(allocated.count_total, 0, "cutting allocates");
}
