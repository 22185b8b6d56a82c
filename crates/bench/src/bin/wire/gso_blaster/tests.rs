use super::*;

/// Returns a segment of the peer.
fn segment(sequence: u32, acknowledgment: u32, window: u16, options: &[u8]) -> Vec<u8> {
    [
        &40_000_u16.to_be_bytes()[..],
        &CHARGEN_PORT.to_be_bytes(),
        &sequence.to_be_bytes(),
        &acknowledgment.to_be_bytes(),
        &[0, ACK],
        &window.to_be_bytes(),
        &[0; 4],
        options,
    ]
    .concat()
}

#[test]
fn full_frames_are_sent_until_window_is_full() {
    let mut connection = Connection::of_syn(&segment(u32::MAX, 0, 64_240, &[2, 4, 5, 180, 1, 3, 3, 2]));
    assert_eq!((connection.port, connection.acknowledgment, connection.scale), (40_000, 0, 2));
    // Three full frames and one segment.
    connection.acknowledge(&segment(0, 1, 133 * 365, &[]));
    for _ in 0..3 {
        assert_eq!(connection.permitted(), FULL);
        connection.advance(FULL);
    }
    assert_eq!(connection.permitted(), 0, "one segment was sent while frames are in flight");
    connection.acknowledge(&segment(0, connection.next, 2 * 365, &[]));
    assert_eq!((connection.permitted(), connection.position), (2 * 1_460, 3 * FULL));
}

#[test]
fn late_data_is_sent_again_from_first_unacknowledged_byte() {
    let mut connection = Connection::of_syn(&segment(0, 0, 64_240, &[]));
    connection.advance(FULL);
    connection.acknowledge(&segment(1, 1_461, u16::MAX, &[]));
    connection.go_back_if_late();
    assert_eq!(connection.in_flight(), 43 * 1_460, "data was sent again at once");
    connection.acknowledged_at -= 2 * TIMEOUT;
    connection.go_back_if_late();
    assert_eq!((connection.next, connection.position), (1_461, 1_460));
}
