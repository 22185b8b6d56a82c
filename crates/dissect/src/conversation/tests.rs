use super::*;

fn socket(host: u8, port: u16) -> SocketAddr {
    SocketAddr::new([10, 0, 0, host].into(), port)
}

/// Returns the shown numbers of a segment: sequence number and acknowledgment number.
fn shown(
    conversations: &mut TcpConversations,
    sockets: [SocketAddr; 2],
    numbers: [u32; 2],
    is_start: bool,
) -> [u32; 2] {
    let shown = conversations.numbers(sockets, numbers.map(SequenceNumber::new), is_start);
    [shown.sequence.value(), shown.acknowledgment.value()]
}

#[test]
fn numbers_count_from_start_of_conversation_in_both_directions() {
    for [client, server] in [[socket(1, 4_000), socket(2, 80)], [socket(2, 4_000), socket(1, 80)]] {
        for [isn, peer_isn] in [[1_000, 5_000], [u32::MAX, 0x7fff_ffff]] {
            let conversations = &mut TcpConversations::default();
            let (next, peer_next) = (isn.wrapping_add(1), peer_isn.wrapping_add(1));
            let mut of = |sockets, numbers, is_start| shown(conversations, sockets, numbers, is_start);
            assert_eq!(of([server, client], [peer_isn, next], true), [peer_isn, next]);
            assert_eq!(of([client, server], [next, peer_next], false), [1, 1]);
            assert_eq!(of([server, client], [peer_next, next.wrapping_add(9)], false), [1, 10]);
        }
    }
}

#[test]
fn sockets_of_one_host_are_ordered_by_port() {
    let conversations = &mut TcpConversations::default();
    let [one, other] = [socket(1, 4_000), socket(1, 80)];
    assert_eq!(shown(conversations, [one, other], [100, 201], false), [100, 201]);
    assert_eq!(shown(conversations, [other, one], [201, 105], false), [1, 5]);
}

#[test]
fn first_segment_of_capture_and_new_start_are_absolute() {
    let conversations = &mut TcpConversations::default();
    let sockets = [socket(1, 4_000), socket(2, 80)];
    assert_eq!(shown(conversations, sockets, [500, 700], false), [500, 700]);
    assert_eq!(shown(conversations, sockets, [510, 720], false), [10, 21]);
    assert_eq!(shown(conversations, sockets, [9_000, 10], true), [9_000, 10]);
    assert_eq!(shown(conversations, sockets, [9_001, 10], false), [1, 1]);
}

#[test]
fn conversations_are_bounded() {
    let conversations = &mut TcpConversations::default();
    let peer = socket(2, 80);
    for port in 0..=u16::MAX {
        shown(conversations, [socket(1, port), peer], [1, 1], false);
    }
    assert_eq!(shown(conversations, [socket(1, 0), peer], [5, 1], false), [4, 1]);
    shown(conversations, [socket(3, 0), peer], [1, 1], false);
    assert_eq!(conversations.starts.len(), 1);
    assert_eq!(shown(conversations, [socket(1, 0), peer], [6, 1], false), [6, 1]);
}

#[test]
fn absolute_conversation_does_not_change_numbers() {
    let conversations = &mut TcpConversations::absolute();
    let [client, server] = [socket(1, 4_000), socket(2, 80)];
    assert_eq!(shown(conversations, [server, client], [5_000, 1_001], true), [5_000, 1_001]);
    assert_eq!(shown(conversations, [client, server], [1_001, 5_001], false), [1_001, 5_001]);
    let numbers = conversations.numbers([client, server], [1_001, 5_001].map(SequenceNumber::new), false);
    assert_eq!(numbers.peer_start, SequenceNumber::default());
}
