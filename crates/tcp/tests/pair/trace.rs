//! What every segment of a connection must keep, whatever the links and the users do.

use tcp::{Flags, Options, Segment};

use crate::sides::Pair;

/// What a side has sent so far. The sequence numbers are distances from the initial sequence number of their sender.
#[derive(Debug, Default)]
struct Sender {
    syn: Option<Options>,
    /// Initial sequence number.
    initial: u32,
    /// Rightmost window edge.
    edge: u32,
    acknowledgment: u32,
    /// End of the sent data and FIN.
    end: u32,
    fin: Option<u32>,
}

/// Checks all segments of a pair without forged segments.
pub(crate) fn check(pair: &Pair) {
    let mut senders = [Sender::default(), Sender::default()];
    for traced in &pair.trace {
        let segment = &traced.segment;
        if segment.flags.contains(Flags::RST) {
            continue;
        }
        let mtu = pair.sides[traced.from].mtu();
        let [first, second] = &mut senders;
        let (sender, receiver) = if traced.from == 0 { (first, second) } else { (second, first) };
        if segment.flags.contains(Flags::SYN) {
            // SYN segments have the same sequence number, options and window each time.
            let syn = sender.syn.get_or_insert(segment.options);
            assert_eq!(syn.maximum_segment_size, segment.options.maximum_segment_size, "{segment:?}");
            sender.initial = segment.sequence.value();
            (sender.end, sender.edge) = (1, sender.edge.max(u32::from(segment.window) + 1));
            continue;
        }
        check_options(sender, receiver, segment);
        check_data(sender, receiver, segment, mtu);
        check_window(sender, receiver, segment);
    }
}

/// Options that need an agreement are sent only with it.
fn check_options(sender: &Sender, receiver: &Sender, segment: &Segment) {
    let (Some(own), Some(other)) = (sender.syn, receiver.syn) else {
        panic!("a segment precedes the SYN segments: {segment:?}");
    };
    let has_timestamps = own.timestamps.is_some() && other.timestamps.is_some();
    assert_eq!(segment.options.timestamps.is_some(), has_timestamps, "timestamps: {segment:?}");
    let has_sack = own.sack_permitted && other.sack_permitted;
    assert!(has_sack || segment.options.sack.is_empty(), "SACK without permission: {segment:?}");
    for block in segment.options.sack.iter() {
        let end = block.end.value().wrapping_sub(receiver.initial);
        assert!(end <= receiver.end && block.start.is_before(block.end), "SACK of unsent data: {segment:?}");
    }
    assert_eq!(segment.options.maximum_segment_size, None, "{segment:?}");
    assert!(segment.options.window_scale.is_none() && !segment.options.sack_permitted, "{segment:?}");
}

/// Data fits the segment size and the window of the peer, and ends with the FIN.
fn check_data(sender: &mut Sender, receiver: &Sender, segment: &Segment, mtu: u16) {
    let data = u32::try_from(segment.data_length).expect("a segment is short");
    let start = segment.sequence.value().wrapping_sub(sender.initial);
    // A keep-alive or a probe without data is before the data.
    let end = start.wrapping_add(segment.sequence_length());
    if data > 0 {
        let size = receiver.syn.and_then(|syn| syn.maximum_segment_size).unwrap_or(536).max(64).min(mtu - 40);
        let options = segment.header_length - 20;
        assert!(segment.data_length + options <= usize::from(size), "longer than {size} bytes: {segment:?}");
        // A probe of a window may have one byte beyond the window.
        let limit = if data == 1 { receiver.edge + 1 } else { receiver.edge };
        assert!(start + data <= limit, "beyond the window up to {}: {segment:?}", receiver.edge);
    }
    if segment.sequence_length() > 0 {
        sender.end = sender.end.max(end);
        assert!(sender.fin.is_none_or(|fin| end <= fin), "data after the FIN: {segment:?}");
    }
    if segment.flags.contains(Flags::FIN) {
        assert_eq!(*sender.fin.get_or_insert(end), end, "the FIN moves: {segment:?}");
    }
}

/// Neither the acknowledgment number nor the edge of the window moves to the left.
fn check_window(sender: &mut Sender, receiver: &Sender, segment: &Segment) {
    let acknowledgment = segment.acknowledgment.value().wrapping_sub(receiver.initial);
    assert!(acknowledgment >= sender.acknowledgment, "the acknowledgment moves to the left: {segment:?}");
    assert!(acknowledgment <= receiver.end, "acknowledgment of unsent data: {segment:?}");
    sender.acknowledgment = acknowledgment;
    let shift = match (sender.syn, receiver.syn) {
        (Some(Options { window_scale: Some(shift), .. }), Some(Options { window_scale: Some(_), .. })) => {
            shift
        }
        _ => 0,
    };
    let edge = acknowledgment + (u32::from(segment.window) << shift);
    // The rounding of the field may move the edge by less than its unit.
    assert!(
        edge + (1 << shift) > sender.edge,
        "the window edge moves to the left from {}: {segment:?}",
        sender.edge
    );
    sender.edge = sender.edge.max(edge);
}
