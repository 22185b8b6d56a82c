//! Frames with several segments of new data, which a device cuts.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{BufferSize, Ecn, SackBlock, SackBlocks};

const DEVICE: Offloads = Offloads { checksum: true, tcp_v4: true, udp: false };
/// Data of a full segment without timestamps.
const SIZE: Option<u16> = Some(1_460);
const RTT: Duration = Duration::from_millis(100);

/// Returns settings with a send buffer for more data than one frame has.
fn buffered() -> TcpSettings {
    let size = BufferSize { initial: 1 << 20, maximum: 1 << 20 };
    TcpSettings { send_buffer: size, receive_buffer: size, ..plain() }
}

/// Returns an established connection with the offloads of a device, and an RTT of 100 milliseconds.
fn connected(settings: &TcpSettings) -> Rig {
    connected_with(settings, SIZE)
}

fn connected_with(settings: &TcpSettings, maximum_segment_size: Option<u16>) -> Rig {
    let mut rig = Rig::opening(settings, 1_000, 5_000);
    rig.offloads = DEVICE;
    let syn = rig.sent();
    assert!(syn.flags.contains(Flags::SYN) && syn.segment_size.is_none(), "{syn:?}");
    rig.pass(RTT);
    let options = Options {
        maximum_segment_size,
        window_scale: settings.window_scaling.then_some(7),
        sack_permitted: settings.sack,
        timestamps: settings.timestamps.then_some(Timestamps { value: 1, echo: 1_000 }),
        ..Options::default()
    };
    let ecn = if settings.ecn == Ecn::Ask { Flags::ECE } else { Flags::NONE };
    rig.give(Given::new(Flags::SYN | Flags::ACK | ecn, 0, 1).options(options));
    let _ = rig.sent();
    rig
}

/// Returns a connection without a limit of congestion control.
fn unlimited() -> Rig {
    connected(&TcpSettings { congestion: CongestionControl::None, ..buffered() })
}

impl Rig {
    /// Returns the lengths of the data and the segment sizes of all frames that the connection sends now.
    fn sent_frames(&mut self) -> Vec<(usize, Option<u16>)> {
        self.all_sent().iter().map(|sent| (sent.data.len(), sent.segment_size)).collect()
    }

    /// Returns all segments that the connection sends now, as the device cuts them.
    fn sent_cut(&mut self) -> Vec<Sent> {
        self.all_sent().into_iter().flat_map(cut).collect()
    }
}

/// Returns the segments into which a device cuts a frame.
fn cut(sent: Sent) -> Vec<Sent> {
    let Some(size) = sent.segment_size else { return vec![sent] };
    let last = sent.data.len().div_ceil(size.into()) - 1;
    assert!(last > 0, "a frame with one segment is cut: {sent:?}");
    let parts = sent.data.chunks(size.into()).zip(0_u32..);
    let segments = parts.map(|(part, number)| {
        let is_last = usize::try_from(number).expect("the number is small") == last;
        let flags = if is_last { sent.flags } else { sent.flags.without(Flags::PSH | Flags::FIN) };
        let sequence = sent.sequence + number * u32::from(size);
        Sent { flags, sequence, segment_size: None, data: part.to_vec(), ..sent }
    });
    segments.collect()
}

// proves: tcp-superframe, rfc5681-window
#[test]
fn superframe_has_no_more_data_than_the_congestion_window() {
    let mut rig = connected(&buffered());
    rig.write(&pattern(14 * FULL));
    let sent = rig.sent();
    assert_eq!((sent.sequence, sent.data.len(), sent.segment_size), (1, 10 * FULL, SIZE));
    assert_eq!(sent.flags, Flags::ACK, "data follows, so that nothing is pushed");
    assert_eq!(sent.data, pattern(10 * FULL));
    rig.assert_silent();
    // SYN, ACK, and ten segments of data.
    assert_eq!(rig.connection.info(rig.now).segments_sent, 12);
    // The acknowledgment of two segments permits four in slow start.
    rig.acknowledge(1 + 2 * 1_460);
    let sent = rig.sent();
    assert_eq!((sent.sequence, sent.data.len(), sent.segment_size), (14_601, 4 * FULL, SIZE));
    assert_eq!(sent.flags, Flags::ACK | Flags::PSH, "the end of the data is not pushed");
}

#[test]
fn short_rest_of_the_data_is_the_last_segment() {
    let mut rig = connected(&buffered());
    rig.write(&pattern(3 * FULL + 10));
    assert_eq!(rig.sent_frames(), [(3 * FULL + 10, SIZE)]);
    rig.write(&pattern(FULL));
    assert_eq!(rig.sent_frames(), [(FULL, None)], "one segment is no superframe");
}

#[test]
fn superframe_ends_before_the_edge_of_the_window() {
    let mut rig = connected(&buffered());
    rig.window = 10_000;
    rig.acknowledge(1);
    rig.write(&pattern(20_000));
    // The rest of the window is no full segment, and less than half of the largest window.
    assert_eq!(rig.sent_frames(), [(6 * FULL, SIZE)]);
}

// proves: rfc5681-restart
#[test]
fn superframe_after_an_idle_time_has_no_more_data_than_the_restart_window() {
    let mut rig = connected(&buffered());
    rig.write(&pattern(10 * FULL));
    assert_eq!(rig.sent_frames(), [(10 * FULL, SIZE)]);
    rig.acknowledge(1 + 10 * 1_460);
    let window = rig.connection.info(rig.now).congestion_window;
    assert!(window > 10 * 1_460, "slow start does not grow the window");
    rig.pass(Duration::from_secs(1));
    rig.write(&pattern(20 * FULL));
    assert_eq!(rig.sent_frames(), [(FULL, None), (9 * FULL, SIZE)]);
}

// proves: rfc9293-nagle
#[test]
fn small_last_segment_waits_for_the_acknowledgment_of_another_small_segment() {
    let mut rig = connected(&buffered());
    rig.write(b"small");
    assert_eq!(rig.sent_frames(), [(5, None)]);
    rig.write(&pattern(3 * FULL + 10));
    assert_eq!(rig.sent_frames(), [(3 * FULL, SIZE)]);
    rig.acknowledge(6);
    assert_eq!(rig.sent_frames(), [(10, None)]);
    // The small end of a superframe counts, too.
    let mut rig = connected(&buffered());
    rig.write(&pattern(2 * FULL + 10));
    assert_eq!(rig.sent_frames(), [(2 * FULL + 10, SIZE)]);
    rig.write(b"small");
    rig.assert_silent();
    let mut rig = connected(&TcpSettings { nagle: false, ..buffered() });
    rig.write(b"small");
    assert_eq!(rig.sent_frames(), [(5, None)]);
    rig.write(&pattern(3 * FULL + 10));
    assert_eq!(rig.sent_frames(), [(3 * FULL + 10, SIZE)]);
}

// proves: tcp-cork
#[test]
fn corked_connection_sends_only_the_full_segments() {
    let mut rig = connected(&buffered());
    rig.connection.set(rig.now, Setting::Cork(true));
    rig.write(&pattern(3 * FULL + 10));
    assert_eq!(rig.sent_frames(), [(3 * FULL, SIZE)]);
    rig.connection.set(rig.now, Setting::Cork(false));
    assert_eq!(rig.sent_frames(), [(10, None)]);
}

// proves: tcp-record
#[test]
fn superframe_has_data_of_one_record() {
    let mut rig = unlimited();
    for length in [2 * FULL, 100, 2 * FULL + 7, 3 * FULL] {
        rig.write(&pattern(length));
        assert!(rig.connection.end_record(rig.now, &mut rig.memory), "the record is not ended");
    }
    let expected = [(2 * FULL, SIZE), (100, None), (2 * FULL + 7, SIZE), (3 * FULL, SIZE)];
    assert_eq!(rig.sent_frames(), expected);
}

#[test]
fn fin_is_on_the_last_segment() {
    for rest in [0, 10] {
        let mut rig = connected(&buffered());
        rig.write(&pattern(3 * FULL + rest));
        rig.connection.shutdown(rig.now);
        let sent = rig.sent();
        assert_eq!((sent.data.len(), sent.segment_size), (3 * FULL + rest, SIZE));
        assert_eq!(sent.flags, Flags::ACK | Flags::PSH | Flags::FIN);
        rig.assert_silent();
        assert_eq!(rig.connection.state(), State::FinWait1);
        let end = u32::try_from(1 + 3 * FULL + rest).expect("the data is short");
        rig.acknowledge(end + 1);
        assert_eq!(rig.connection.state(), State::FinWait2);
    }
}

#[test]
fn superframe_fits_the_longest_datagram_with_a_margin() {
    let settings = TcpSettings { congestion: CongestionControl::None, window_scaling: true, ..buffered() };
    let mut rig = connected_with(&settings, Some(654));
    rig.acknowledge(1);
    rig.write(&pattern(100_000));
    // 65,535 bytes without 256 bytes, the IP header of 20 bytes, and the longest TCP header of 60 bytes.
    assert_eq!(rig.sent_frames(), [(99 * 654, Some(654)), (100_000 - 99 * 654, Some(654))]);
    let mut rig = unlimited();
    rig.write(&pattern(10_000));
    // A small frame has one segment.
    let mut frame = Frame::for_mtu(1_500);
    assert!(rig.connection.transmit(rig.now, DEVICE, &mut frame).is_some(), "no segment is due");
    assert_eq!((frame.len(), frame.offload().segmentation), (1_480, None));
}

// proves: tcp-pacing
#[test]
fn superframe_of_a_paced_connection_has_the_data_of_a_millisecond() {
    let mut rig = connected(&TcpSettings { pacing: true, ..buffered() });
    // The RTT is 100 milliseconds, so that a millisecond permits less than a segment.
    rig.write(&pattern(3 * FULL));
    for segment in 0..3 {
        assert_eq!(rig.sent_frames(), [(FULL, None)], "segment {segment}");
        rig.pass_to_deadline();
    }
    let mut acknowledged = 1 + 3 * 1_460;
    rig.acknowledge(acknowledged);
    // The smoothed RTT falls to three milliseconds.
    for _ in 0..40 {
        rig.pass(RTT);
        rig.write(b"x");
        let _ = rig.sent();
        rig.pass(Duration::from_micros(2_500));
        acknowledged += 1;
        rig.acknowledge(acknowledged);
    }
    rig.pass(RTT);
    rig.write(&pattern(10 * FULL));
    let info = rig.connection.info(rig.now);
    let millisecond = info.pacing_rate.expect("the connection is paced") / 1_000;
    let segments = usize::try_from(millisecond / 1_460).expect("the rate is low");
    assert!((2..8).contains(&segments), "{info:?}");
    assert_eq!(rig.sent_frames(), [(segments * FULL, SIZE), (FULL, None)]);
}

// proves: rfc3168-reduced
#[test]
fn segment_with_cwr_and_segment_with_urgent_data_are_single() {
    let mut rig = connected(&TcpSettings { ecn: Ecn::Ask, ..buffered() });
    rig.write(&pattern(10 * FULL));
    assert_eq!(rig.sent_frames(), [(10 * FULL, SIZE)]);
    rig.acknowledged = 1 + 10 * 1_460;
    rig.give(Given::new(Flags::ACK | Flags::ECE, 1, rig.acknowledged));
    rig.write(&pattern(4 * FULL));
    let sent = rig.all_sent();
    assert_eq!(sent[0].flags, Flags::ACK | Flags::CWR);
    let frames: Vec<_> = sent.iter().map(|sent| (sent.data.len(), sent.segment_size)).collect();
    assert_eq!(frames, [(FULL, None), (3 * FULL, SIZE)]);
    let mut rig = unlimited();
    rig.write(&pattern(2 * FULL));
    let mut cx = Resources { memory: &mut rig.memory, pool: &mut rig.pool };
    rig.connection.write_urgent(rig.now, b"!", &mut cx);
    assert_eq!(rig.sent_frames(), [(FULL, None), (FULL, None), (1, None)]);
}

// proves: tcp-superframe-records
#[test]
fn loss_of_one_segment_is_repaired_by_one_retransmission() {
    for has_sack in [true, false] {
        let mut rig = connected(&TcpSettings { sack: has_sack, ..buffered() });
        rig.write(&pattern(10 * FULL));
        assert_eq!(rig.sent_frames(), [(10 * FULL, SIZE)]);
        rig.pass(RTT);
        // The fourth segment is lost. The segments before it are acknowledged.
        let lost = 1 + 3 * 1_460;
        rig.acknowledge(lost);
        for segment in 4_u32..10 {
            let mut sack = SackBlocks::EMPTY;
            if has_sack {
                let end = rig.local.plus(1 + (segment + 1) * 1_460);
                sack.push(SackBlock { start: rig.local.plus(lost + 1_460), end });
            }
            let options = Options { sack, ..Options::default() };
            rig.give(Given::new(Flags::ACK, 1, lost).options(options));
        }
        rig.pass(Duration::from_millis(26));
        let again = rig.sent();
        assert_eq!((again.sequence, again.data.len(), again.segment_size), (lost, FULL, None));
        assert_eq!(again.data, pattern(10 * FULL)[3 * FULL..4 * FULL]);
        rig.assert_silent();
        rig.acknowledge(1 + 10 * 1_460);
        let info = rig.connection.info(rig.now);
        assert_eq!((info.retransmissions, info.unacknowledged, info.is_recovering), (1, 0, false));
    }
}

// proves: tcp-superframe-records, rfc8985-timeout, rfc6298-expiry
#[test]
fn retransmissions_after_a_timeout_are_single_segments() {
    for has_sack in [true, false] {
        let mut rig = connected(&TcpSettings { sack: has_sack, ..buffered() });
        rig.write(&pattern(4 * FULL + 10));
        assert_eq!(rig.sent_frames(), [(4 * FULL + 10, SIZE)]);
        if has_sack {
            // The probe for a tail loss is the last segment.
            rig.pass_to_deadline();
            assert_eq!(rig.sent_frames(), [(10, None)]);
        }
        rig.pass(Duration::from_secs(1));
        assert_eq!(rig.sent_frames(), [(FULL, None)]);
        rig.acknowledge(1 + 1_460);
        assert_eq!(rig.sent_frames(), [(FULL, None), (FULL, None)]);
    }
}

/// Returns a connection that delays acknowledgments: its first segments have arrived.
fn delaying() -> Rig {
    let mut rig = connected(&TcpSettings { sack: true, ..buffered() });
    for _ in 0..16 {
        let _ = rig.give_data(b"x");
        assert_eq!(rig.sent_frames(), [(0, None)]);
    }
    let _ = rig.give_data(b"x");
    rig.assert_silent();
    rig.pass(Duration::from_millis(40));
    assert_eq!(rig.sent_frames(), [(0, None)]);
    let _ = rig.read();
    rig
}

impl Rig {
    /// Receives segments with this data, from `sequence` on, which a device has merged.
    fn give_merged(&mut self, sequence: u32, data: &[u8], size: u16, flags: Flags) -> Reception {
        let given = Given::new(Flags::ACK | flags, sequence, self.acknowledged).data(data);
        self.receive(given.merged(size))
    }
}

// proves: tcp-superframe-received, rfc9293-delayed-ack
#[test]
fn merged_segments_are_acknowledged_in_their_turn() {
    // The segments may be small: two of them have less data than two full segments.
    for (length, size, segments) in [(200, 100, 2), (1_001, 1_000, 2), (65_000, 1_460, 45)] {
        let mut rig = delaying();
        let before = rig.connection.info(rig.now).segments_received;
        rig.give_merged(rig.next, &pattern(length), size, Flags::NONE);
        let ack = rig.sent();
        let end = rig.next + u32::try_from(length).expect("the data is short");
        assert_eq!((ack.acknowledgment, ack.data.len()), (end, 0), "{length} bytes");
        rig.assert_silent();
        let info = rig.connection.info(rig.now);
        assert_eq!(info.segments_received - before, segments, "{length} bytes");
        // The size of a full segment is not that of the frame.
        assert_eq!(info.receive_segment_size, u32::from(size.max(536)), "{length} bytes");
        assert_eq!(rig.read(), pattern(length));
    }
}

#[test]
fn merged_segments_are_trimmed_to_the_window() {
    let data = pattern(60_000);
    let mut rig = delaying();
    rig.give_merged(rig.next, &data[..10_000], 1_460, Flags::NONE);
    let _ = rig.all_sent();
    // The first bytes were received before.
    rig.give_merged(rig.next, &data, 1_460, Flags::FIN);
    assert_eq!(rig.read(), data);
    assert_eq!(rig.connection.state(), State::CloseWait);
    let size = BufferSize { initial: 20_000, maximum: 20_000 };
    let mut rig = connected(&TcpSettings { receive_buffer: size, ..plain() });
    rig.give_merged(1, &data, 1_460, Flags::FIN);
    assert_eq!(rig.connection.state(), State::Established, "a FIN beyond the window is accepted");
    assert_eq!(rig.read(), data[..20_000]);
    // The reading opens the window again.
    let acks = rig.all_sent();
    assert_eq!(acks.last().map(|ack| (ack.acknowledgment, ack.window)), Some((20_001, 20_000)));
}

#[test]
fn merged_segments_out_of_order_are_selected_and_fill_the_gap() {
    let data = pattern(40_000);
    let mut rig = delaying();
    let next = rig.next;
    let reception = rig.give_merged(next + 20_000, &data[20_000..], 1_460, Flags::NONE);
    let reply = reception.reply.expect("no duplicate ACK");
    let block = SackBlock { start: rig.remote.plus(next + 20_000), end: rig.remote.plus(next + 40_000) };
    assert_eq!((reply.acknowledgment, reply.options.sack.as_slice()), (rig.remote.plus(next), &[block][..]));
    let reception = rig.give_merged(next, &data[..20_000], 1_460, Flags::NONE);
    let reply = reception.reply.expect("no ACK of the filled gap");
    assert_eq!(reply.acknowledgment, rig.remote.plus(next + 40_000));
    assert_eq!(rig.read(), data);
}

#[test]
fn reset_with_merged_data_ends_the_connection() {
    let mut rig = delaying();
    rig.give_merged(rig.next + 1, &pattern(10_000), 1_460, Flags::RST);
    assert_eq!(rig.connection.state(), State::Established, "a reset behind the next byte is accepted");
    rig.give_merged(rig.next, &pattern(10_000), 1_460, Flags::RST);
    rig.assert_ended(CloseReason::Reset);
}

#[test]
fn merged_segments_with_an_old_timestamp_are_dropped() {
    let mut rig = connected(&TcpSettings { timestamps: true, ..buffered() });
    let data = pattern(10_000);
    let at = |rig: &Rig, value| {
        Given::new(Flags::ACK, rig.next, 1).timestamps(value, 1_000).data(&data).merged(1_448)
    };
    let given = at(&rig, 100);
    assert_eq!(rig.receive(given).outcome, SegmentOutcome::Accepted);
    rig.next += 10_000;
    let given = at(&rig, 99);
    assert_eq!(rig.receive(given).outcome, SegmentOutcome::Dropped(TcpDropReason::OldTimestamp));
    assert_eq!(rig.read(), data);
}

impl Sent {
    /// Returns the sequence numbers.
    fn range(&self) -> std::ops::Range<u32> {
        let data = u32::try_from(self.data.len()).expect("the data is short");
        self.sequence..self.sequence + data + u32::from(self.flags.contains(Flags::FIN))
    }
}

/// Returns the information without the numbers of segments. A part of a record that is not a number of whole segments
/// counts fewer segments.
fn comparable(info: &TcpInfo) -> TcpInfo {
    TcpInfo { lost: 0, sacked: 0, retransmitted: 0, ..*info }
}

/// What happens to a connection.
#[derive(Clone, Debug)]
enum Event {
    Write(usize),
    EndRecord,
    /// The peer acknowledges this part of the outstanding segments, in percent, and selects other parts.
    Acknowledge {
        percent: usize,
        blocks: Vec<(usize, usize)>,
        is_marked: bool,
    },
    Window(u16),
    Pass(u64),
    Cork(bool),
    Data(usize),
    Shutdown,
}

fn event() -> impl Strategy<Value = Event> {
    let block = (0_usize..100, 1_usize..60);
    prop_oneof![
        6 => (1_usize..40_000).prop_map(Event::Write),
        1 => Just(Event::EndRecord),
        8 => (prop_oneof![Just(0), Just(100), 0_usize..100], prop::collection::vec(block, 0..3), any::<bool>())
            .prop_map(|(percent, blocks, is_marked)| Event::Acknowledge { percent, blocks, is_marked }),
        1 => prop_oneof![Just(0), any::<u16>()].prop_map(Event::Window),
        6 => prop_oneof![0_u64..200, 0_u64..2_000].prop_map(Event::Pass),
        1 => any::<bool>().prop_map(Event::Cork),
        1 => (1_usize..1_460).prop_map(Event::Data),
        1 => Just(Event::Shutdown),
    ]
}

impl Rig {
    /// Processes an event. `edges` are the first and the last sequence numbers of all segments.
    fn process(&mut self, event: &Event, edges: &BTreeSet<u32>) {
        let info = self.connection.info(self.now);
        match event {
            Event::Write(length) => _ = self.write(&pattern(*length)),
            Event::EndRecord => _ = self.connection.end_record(self.now, &mut self.memory),
            Event::Acknowledge { percent, blocks, is_marked } => {
                let edges: Vec<_> = edges.range(self.acknowledged..).collect();
                let at = |percent: usize| *edges[(edges.len() - 1) * percent.min(100) / 100];
                self.acknowledged = at(*percent);
                let mut sack = SackBlocks::EMPTY;
                for (first, length) in blocks {
                    let (first, end) = (at(*first), at(first + length));
                    if self.connection.info(self.now).has_sack && first < end {
                        sack.push(SackBlock { start: self.local.plus(first), end: self.local.plus(end) });
                    }
                }
                let timestamps = info.has_timestamps.then_some(Timestamps { value: 1, echo: 1_000 });
                let ecn = if *is_marked { Flags::ECE } else { Flags::NONE };
                let given = Given::new(Flags::ACK | ecn, self.next, self.acknowledged);
                self.give(given.options(Options { timestamps, sack, ..Options::default() }));
            }
            Event::Window(window) => self.window = *window,
            Event::Pass(milliseconds) => self.pass(Duration::from_millis(*milliseconds)),
            Event::Cork(is_on) => self.connection.set(self.now, Setting::Cork(*is_on)),
            Event::Data(length) => {
                let timestamps = info.has_timestamps.then_some(Timestamps { value: 1, echo: 1_000 });
                let options = Options { timestamps, ..Options::default() };
                let data = pattern(*length);
                self.give(Given::new(Flags::ACK, self.next, self.acknowledged).options(options).data(&data));
                self.next += u32::try_from(*length).expect("the data is short");
            }
            Event::Shutdown => self.connection.shutdown(self.now),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The segments of superframes are those that the connection sends without a device that cuts them.
    // proves: tcp-superframe, tcp-superframe-records
    #[test]
    fn cut_superframes_are_the_segments_of_a_connection_without_offloads(
        events in prop::collection::vec(event(), 1..60),
        options in any::<[bool; 4]>(),
        has_blocks in any::<bool>(),
        congestion in prop::sample::select(vec![
            CongestionControl::Cubic,
            CongestionControl::NewReno,
            CongestionControl::None,
        ]),
    ) {
        let [sack, timestamps, nagle, has_ecn] = options;
        let ecn = if has_ecn { Ecn::Ask } else { Ecn::Off };
        let settings = TcpSettings { nagle, timestamps, sack, congestion, ecn, ..buffered() };
        let mut rigs = [connected(&settings), connected(&settings)];
        if has_blocks {
            // Data out of order leaves less space for data in each segment.
            for rig in &mut rigs {
                rig.next = 2_000;
                rig.process(&Event::Data(100), &BTreeSet::new());
            }
        }
        rigs[1].offloads = Offloads { tcp_v4: false, ..DEVICE };
        let mut edges = BTreeSet::from([1]);
        for event in events {
            let [cut, single] = rigs.each_mut().map(|rig| {
                rig.process(&event, &edges);
                (rig.sent_cut(), rig.connection.deadline(), comparable(&rig.connection.info(rig.now)))
            });
            let list = |sent: &[Sent]| format!("{:?}", sent.iter().map(Sent::range).collect::<Vec<_>>());
            prop_assert!(cut.0 == single.0, "{}, not {}, after {event:?}", list(&cut.0), list(&single.0));
            prop_assert_eq!((cut.1, cut.2), (single.1, single.2), "after {:?}", event);
            edges.extend(single.0.iter().flat_map(|sent| [sent.range().start, sent.range().end]));
        }
    }
}
