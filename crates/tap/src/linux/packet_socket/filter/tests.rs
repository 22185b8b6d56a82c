use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use proptest::prelude::*;

use super::*;
use crate::linux::packet_socket::system;

/// Returns whether these bytes pass a filter in the kernel. Bytes that pass must not be truncated.
fn passes(filter: &[sock_filter], bytes: &[u8]) -> bool {
    let (near, far) = UnixDatagram::pair().unwrap();
    system::attach_filter(far.as_fd(), filter).unwrap();
    far.set_nonblocking(true).unwrap();
    near.send(bytes).unwrap();
    let mut space = [0; 128];
    let received = far.recv(&mut space).ok();
    assert!(received.is_none_or(|length| length == bytes.len()), "the frame was truncated");
    received.is_some()
}

fn frame_to(destination: [u8; 6]) -> Vec<u8> {
    [&destination[..], &[2, 0, 0, 0, 0, 7, 8, 0], &[0x45; 40]].concat()
}

fn number([a, b, c, d, e, f]: [u8; 6]) -> u64 {
    u64::from_be_bytes([0, 0, a, b, c, d, e, f])
}

#[test]
fn station_filter_accepts_its_station_and_every_group() {
    let station = [2, 1, 2, 3, 4, 5];
    let filter = stations(station, station);
    for accepted in [station, [0xff; 6], [1, 0, 0x5e, 0, 0, 1], [0x33, 0x33, 0, 0, 0, 1]] {
        assert!(passes(&filter, &frame_to(accepted)), "{accepted:x?}");
    }
    for other in [[2, 1, 2, 3, 4, 4], [2, 1, 2, 3, 4, 6], [2, 0, 2, 3, 4, 5], [4, 1, 2, 3, 4, 5], [0; 6]] {
        assert!(!passes(&filter, &frame_to(other)), "{other:x?}");
    }
}

#[test]
fn station_filter_accepts_first_and_last_of_range_only() {
    let (first, last) = ([2, 0, 0xff, 0xff, 0xff, 0xfe], [2, 2, 0, 0, 0, 3]);
    let filter = stations(first, last);
    for accepted in
        [first, [2, 0, 0xff, 0xff, 0xff, 0xff], [2, 1, 0, 0, 0, 0], [2, 1, 0xff, 0xff, 0xff, 0xff], last]
    {
        assert!(passes(&filter, &frame_to(accepted)), "{accepted:x?}");
    }
    for other in [[2, 0, 0xff, 0xff, 0xff, 0xfd], [2, 0, 0, 0, 0, 0], [2, 2, 0, 0, 0, 4], [2, 3, 0, 0, 0, 0]]
    {
        assert!(!passes(&filter, &frame_to(other)), "{other:x?}");
    }
}

#[test]
fn station_filter_drops_frame_shorter_than_destination() {
    assert!(!passes(&stations([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 1]), &[2, 0, 0, 0, 0]));
}

proptest! {
    #[test]
    fn station_filter_accepts_destination_if_and_only_if_in_range(
        // The mask limits the values, so that addresses share bytes.
        addresses: [[u8; 6]; 3],
        mask in prop::sample::select(vec![[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff], [2, 1, 1, 0, 0, 3], [0, 0, 0, 1, 3, 3]]),
    ) {
        let mut addresses = addresses.map(|address| std::array::from_fn(|at| address[at] & mask[at]));
        addresses[..2].sort_unstable();
        let [first, last, destination] = addresses;
        let is_in_range = (number(first)..=number(last)).contains(&number(destination));
        prop_assert_eq!(passes(&stations(first, last), &frame_to(destination)), is_in_range);
    }
}
