use super::*;

/// The RTO of a connection with an RTT of zero, which counts as 125 nanoseconds.
const RTO: Duration = Duration::from_nanos(200_000_125);

// proves: rfc6298-expiry, rfc9293-retransmission, rfc6298-restart, rfc6298-timer, tcp-buffer-idle
#[test]
fn lost_data_is_retransmitted_with_doubled_timeouts() {
    for initial in INITIAL {
        let mut rig = Rig::established_at(&plain(), initial, initial);
        assert_eq!(rig.connection.deadline(), None);
        rig.write(b"data");
        let first = rig.sent();
        for doubling in 0..4 {
            assert_eq!(rig.pass_to_deadline(), RTO * (1 << doubling));
            assert_eq!(rig.sent(), first, "another segment is sent");
            rig.assert_silent();
        }
        assert!(rig.status().is_delayed);
        rig.acknowledge(5);
        assert!(!rig.status().is_delayed, "an acknowledged segment is delayed");
        rig.pass(Duration::from_secs(1));
        assert_eq!(rig.connection.deadline(), None, "the timer is not stopped");
        assert_eq!(rig.memory.used(), 0, "an idle connection has a send buffer");
        let records = rig.connection.transfer.as_ref().map(|transfer| transfer.scoreboard.capacity());
        assert_eq!(records, Some(0), "an idle connection has memory for records");
    }
}

// proves: rfc6298-restart
#[test]
fn timer_restarts_only_with_acknowledgment_of_new_data() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(2 * FULL));
    assert_eq!(rig.sent_lengths(), [FULL, FULL]);
    let deadline = rig.now + RTO;
    rig.pass(RTO / 2);
    rig.acknowledge(1);
    assert_eq!(rig.connection.deadline(), Some(deadline), "a duplicate ACK restarts the timer");
    rig.acknowledge(1_461);
    let rto = rig.connection.info(rig.now).rto;
    assert_eq!(
        rig.connection.deadline(),
        Some(rig.now + rto),
        "an ACK of new data does not restart the timer"
    );
}

#[test]
fn unsent_data_has_no_retransmission_timer() {
    for settings in [plain(), TcpSettings { sack: true, ..plain() }] {
        let options =
            Options { maximum_segment_size: Some(1_460), sack_permitted: true, ..Options::default() };
        let mut rig = Rig::established_with(&settings, options, 1_000, 5_000);
        rig.write(&pattern(16 << 10));
        assert_eq!(rig.sent_lengths().len(), 10);
        rig.acknowledge(1 + 10 * 1_460);
        // The device does not accept the rest.
        assert_eq!(rig.connection.deadline(), Some(rig.now + Duration::from_mins(15)));
        rig.pass(Duration::from_secs(1));
        assert_eq!(rig.sent_lengths(), [FULL, (16 << 10) - 11 * FULL]);
    }
}

#[test]
fn retransmission_starts_the_timer_again() {
    let mut rig = Rig::established(&plain());
    rig.write(b"data");
    let _ = rig.sent();
    rig.pass_to_deadline();
    // The device accepts the segment late.
    rig.pass(RTO / 2);
    let _ = rig.sent();
    assert_eq!(rig.connection.deadline(), Some(rig.now + RTO * 2));
}

// proves: rfc9293-retransmission-limits
#[test]
fn connection_ends_after_15_retransmissions() {
    let mut rig = Rig::established(&plain());
    rig.write(b"data");
    let _ = rig.sent();
    let started = rig.now;
    for count in 1..=15 {
        assert_eq!(rig.status().is_delayed, count > 3, "after {} retransmissions", count - 1);
        assert!(rig.pass_to_deadline() <= Duration::from_mins(1), "the RTO exceeds 60 seconds");
        assert_eq!(rig.sent().data, b"data");
    }
    rig.pass_to_deadline();
    assert!(rig.now.since(started) > Duration::from_secs(100));
    rig.assert_ended(CloseReason::TimedOut);
    assert_eq!(rig.memory.used(), 0);
}

// proves: rfc9293-user-timeout
#[test]
fn user_timeout_ends_connection() {
    let settings = TcpSettings { user_timeout: Some(Duration::from_secs(3)), ..plain() };
    let mut rig = Rig::established(&settings);
    rig.write(b"data");
    rig.pass(Duration::from_secs(2));
    // The device accepts the data late, which starts the time again.
    let _ = rig.sent();
    let started = rig.now;
    while rig.connection.state() != State::Closed {
        rig.pass_to_deadline();
        let _ = rig.all_sent();
    }
    assert_eq!(rig.now.since(started), Duration::from_secs(3));
    rig.assert_ended(CloseReason::TimedOut);

    // An acknowledgment starts the time again.
    let mut rig = Rig::established(&settings);
    rig.write(b"ab");
    let _ = rig.sent();
    rig.pass(Duration::from_millis(2_900));
    let _ = rig.all_sent();
    rig.acknowledge(3);
    rig.write(b"c");
    let _ = rig.sent();
    rig.pass(Duration::from_millis(2_900));
    assert_eq!(rig.connection.state(), State::Established);

    // A timeout that is set later ends the connection, too.
    let mut rig = Rig::established(&plain());
    rig.write(b"data");
    let _ = rig.sent();
    for _ in 0..5 {
        rig.pass_to_deadline();
        let _ = rig.sent();
    }
    rig.connection.set(rig.now, Setting::UserTimeout(Some(Duration::from_secs(1))));
    rig.poll();
    rig.assert_ended(CloseReason::TimedOut);

    // A long timeout replaces the limit of retransmissions.
    let mut rig = Rig::established(&TcpSettings { user_timeout: Some(Duration::MAX), ..plain() });
    rig.write(b"data");
    let _ = rig.sent();
    for _ in 0..100 {
        rig.pass_to_deadline();
        let _ = rig.all_sent();
    }
    assert_eq!(rig.connection.state(), State::Established);
}

// proves: rfc6298-sample
#[test]
fn each_round_trip_gives_a_sample() {
    let mut rig = Rig::established(&plain());
    for milliseconds in [10, 20, 30] {
        rig.write(&pattern(3 * FULL));
        let sent: usize = rig.sent_lengths().iter().sum();
        rig.pass(Duration::from_millis(milliseconds));
        let sent = u32::try_from(sent).expect("the window is small");
        let before = rig.connection.info(rig.now).rtt;
        rig.acknowledge(rig.acknowledged + sent);
        assert_ne!(rig.connection.info(rig.now).rtt, before);
    }
}

// proves: rfc5681-fast-retransmit
#[test]
fn third_duplicate_ack_retransmits_first_segment() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(10 * FULL));
    assert_eq!(rig.sent_lengths().len(), 10);
    for _ in 0..2 {
        rig.acknowledge(1);
        rig.assert_silent();
    }
    rig.acknowledge(1);
    let again = rig.sent();
    assert_eq!((again.sequence, again.data.len()), (1, FULL));
    rig.assert_silent();
    let info = rig.connection.info(rig.now);
    assert_eq!((info.congestion_window, info.slow_start_threshold), (5 * 1_460, Some(5 * 1_460)));
    assert!(info.is_recovering);
    // A partial ACK retransmits the next hole, and the last ACK ends the recovery.
    rig.acknowledge(1 + 2 * 1_460);
    assert_eq!(rig.sent().sequence, 1 + 2 * 1_460);
    rig.acknowledge(1 + 10 * 1_460);
    let info = rig.connection.info(rig.now);
    assert_eq!((info.is_recovering, info.congestion_window), (false, 2 * 1_460), "a burst may follow");
    rig.assert_silent();
}

#[test]
fn end_of_recovery_restarts_the_timer() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(16 << 10));
    assert_eq!(rig.sent_lengths().len(), 10);
    for _ in 0..6 {
        rig.acknowledge(1);
    }
    // The retransmission, and a new segment because six segments have left the network.
    assert_eq!(rig.sent_lengths(), [FULL, FULL]);
    rig.pass(RTO / 2);
    rig.acknowledge(1 + 10 * 1_460);
    let info = rig.connection.info(rig.now);
    assert_eq!((info.is_recovering, info.unacknowledged), (false, 1_460));
    assert_eq!(rig.connection.deadline(), Some(rig.now + info.rto));
}

#[test]
fn acknowledgments_of_an_idle_connection_are_no_duplicates() {
    let mut rig = Rig::established(&plain());
    for _ in 0..5 {
        rig.acknowledge(1);
    }
    rig.write(&pattern(16 << 10));
    assert_eq!(rig.sent_lengths().len(), 10, "limited transmit sends more than the congestion window");
}

#[test]
fn fast_retransmit_is_omitted_if_the_acknowledgment_arrives_before_it() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(10 * FULL));
    assert_eq!(rig.sent_lengths().len(), 10);
    for acknowledgment in [1, 1, 1, 1 + 10 * 1_460] {
        rig.acknowledge(acknowledgment);
    }
    rig.assert_silent();
    rig.write(b"new");
    assert_eq!(rig.sent().data, b"new");
}

#[test]
fn send_buffer_grows_with_the_congestion_window_unless_memory_is_short() {
    for (charged, expected) in [(0, 2 * 10 * 1_460), (60 << 20, 16 << 10)] {
        let mut rig = Rig::established(&plain());
        rig.write(&pattern(FULL));
        let _ = rig.sent();
        rig.memory.charge(charged);
        rig.acknowledge(1 + 1_460);
        assert_eq!(rig.connection.info(rig.now).send_buffer, expected);
    }
}

// proves: rfc9293-ack-old
#[test]
fn segments_that_are_no_duplicate_acks_do_not_retransmit() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(10 * FULL));
    assert_eq!(rig.sent_lengths().len(), 10);
    for (index, window) in (0..10).zip(1_000..) {
        // A window update, a segment with data, and an old acknowledgment.
        rig.give(Given::new(Flags::ACK, rig.next, 1).window(60_000 + window));
        rig.give(Given::new(Flags::ACK, 1 + index, 1).data(b"x").window(60_000 + window));
        rig.next = 2 + index;
        rig.give(Given::new(Flags::ACK, rig.next, 0).window(60_000 + window));
    }
    assert!(rig.all_sent().iter().all(|sent| sent.data.is_empty()), "data is retransmitted");
}

// proves: rfc5681-timeout, rfc6582-after-timeout
#[test]
fn timeout_sends_one_segment_and_then_what_acknowledgments_permit() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(10 * FULL));
    assert_eq!(rig.sent_lengths().len(), 10);
    rig.pass_to_deadline();
    let again = rig.all_sent();
    assert_eq!((again.len(), again[0].sequence), (1, 1), "more than one segment is sent after a timeout");
    assert_eq!(rig.connection.info(rig.now).slow_start_threshold, Some(5 * 1_460));
    rig.acknowledge(1 + 1_460);
    let sequences: Vec<_> = rig.all_sent().iter().map(|sent| sent.sequence).collect();
    assert_eq!(sequences, [1 + 1_460, 1 + 2 * 1_460]);
    // The rest had arrived.
    rig.acknowledge(1 + 10 * 1_460);
    rig.assert_silent();
    rig.pass(Duration::from_secs(1));
    assert_eq!(rig.connection.deadline(), None);
    rig.write(b"new");
    assert_eq!(rig.sent().data, b"new");
}

// proves: rfc5681-window, rfc6928-initial-window
#[test]
fn data_in_flight_fits_the_congestion_window() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(16 << 10));
    assert_eq!(rig.sent_lengths(), [FULL; 10]);
    rig.acknowledge(1 + 2 * 1_460);
    assert_eq!(rig.sent_lengths(), [FULL, (16 << 10) - 11 * FULL], "slow start does not send the rest");
}

// proves: rfc5681-restart
#[test]
fn congestion_window_restarts_after_idle() {
    let mut rig = Rig::established(&plain());
    for _ in 0..4 {
        let length = rig.write(&pattern(1 << 20));
        let mut sent: usize = rig.sent_lengths().iter().sum();
        while sent > 0 {
            let bytes = u32::try_from(sent).expect("the window is small");
            rig.acknowledge(rig.acknowledged + bytes);
            sent = rig.sent_lengths().iter().sum();
        }
        assert!(length > 0);
    }
    assert!(rig.connection.info(rig.now).congestion_window > 20 * 1_460);
    rig.pass(Duration::from_secs(2));
    rig.write(&pattern(1 << 20));
    assert_eq!(rig.sent_lengths().len(), 10);
}

#[test]
fn fin_is_retransmitted() {
    let mut rig = Rig::in_state(State::FinWait1);
    rig.pass_to_deadline();
    let fin = rig.sent();
    assert_eq!((fin.flags, fin.sequence), (Flags::FIN | Flags::ACK, 1));
    rig.assert_silent();
}

#[test]
fn data_and_fin_are_retransmitted_together() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(FULL + 10));
    rig.connection.shutdown(rig.now);
    assert_eq!(rig.all_sent().len(), 2);
    rig.acknowledge(1 + 1_460);
    rig.pass_to_deadline();
    let again = rig.sent();
    assert_eq!((again.flags, again.data.len()), (Flags::FIN | Flags::PSH | Flags::ACK, 10));
}

#[test]
fn number_of_records_is_bounded_for_tiny_segments() {
    let mut rig = Rig::established(&TcpSettings { nagle: false, ..plain() });
    for _ in 0..5_000 {
        rig.write(b"x");
        let _ = rig.all_sent();
    }
    let info = rig.connection.info(rig.now);
    assert_eq!(info.unacknowledged, 5_000);
    rig.acknowledge(5_001);
    assert_eq!(rig.connection.info(rig.now).unacknowledged, 0);
}

// proves: rfc9293-urgent-send
#[test]
fn urgent_pointer_marks_end_of_urgent_data() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(FULL));
    let mut cx = Resources { memory: &mut rig.memory, pool: &mut rig.pool };
    assert_eq!(rig.connection.write_urgent(rig.now, b"urgent", &mut cx), 6);
    let [first, second] = &rig.all_sent()[..] else { panic!("two segments are expected") };
    assert_eq!((first.flags, first.urgent_pointer), (Flags::URG | Flags::ACK, 1_466));
    assert_eq!((second.flags, second.urgent_pointer), (Flags::URG | Flags::PSH | Flags::ACK, 6));
    // Urgent data does not wait for a small segment, and other data does.
    let mut cx = Resources { memory: &mut rig.memory, pool: &mut rig.pool };
    rig.connection.write_urgent(rig.now, b"more", &mut cx);
    assert_eq!(rig.sent().urgent_pointer, 4);
    rig.acknowledge(1_471);
    rig.write(b"normal");
    assert_eq!(rig.sent().urgent_pointer, 0);
    rig.write(b"second");
    rig.assert_silent();
}

// proves: rfc9293-keep-alive
#[test]
fn idle_peer_is_probed_only_on_request() {
    let mut rig = Rig::established(&plain());
    assert_eq!(rig.connection.deadline(), None, "keep-alive is not off by default");
    rig.connection.set(rig.now, Setting::KeepAlive(Some(KeepAlive::default())));
    rig.pass(Duration::from_hours(1));
    rig.give_data(b"not idle");
    let _ = rig.sent();
    rig.pass(Duration::from_secs(3_600 + 3_599));
    rig.assert_silent();
    rig.pass(Duration::from_secs(1));
    let probe = rig.sent();
    assert_eq!((probe.flags, probe.sequence, probe.data.len()), (Flags::ACK, 0, 0));
    rig.assert_silent();
    // A lost probe does not end the connection, and an answer ends the probing.
    rig.pass(Duration::from_secs(75));
    let _ = rig.sent();
    rig.give(Given::new(Flags::ACK, rig.next, 1));
    rig.pass(Duration::from_secs(7_199));
    rig.assert_silent();
    // Nine lost probes end it.
    for _ in 0..9 {
        rig.pass_to_deadline();
        assert_eq!(rig.sent().sequence, 0);
    }
    assert_eq!(rig.pass_to_deadline(), Duration::from_secs(75));
    rig.assert_ended(CloseReason::TimedOut);

    let mut rig = Rig::established(&TcpSettings { keep_alive: Some(KeepAlive::default()), ..plain() });
    rig.connection.set(rig.now, Setting::KeepAlive(None));
    assert_eq!(rig.connection.deadline(), None);
}

// proves: tcp-delivery-rate
#[test]
fn acknowledgments_give_samples_of_the_delivery_rate() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(10 * FULL));
    let _ = rig.all_sent();
    rig.pass(Duration::from_millis(10));
    rig.acknowledge(1 + 10 * 1_460);
    let rate = rig.connection.info(rig.now).delivery_rate.expect("the rate is measured");
    assert_eq!((rate.bytes_per_second(), rate.is_application_limited), (1_460_000, false));
    // The user has had nothing more to send.
    rig.write(b"data");
    let _ = rig.sent();
    rig.pass(Duration::from_millis(10));
    rig.acknowledge(1 + 10 * 1_460 + 4);
    let rate = rig.connection.info(rig.now).delivery_rate.expect("the rate is measured");
    assert_eq!((rate.bytes_per_second(), rate.is_application_limited), (400, true));
    // The acknowledgment of a part of a segment counts.
    rig.write(&pattern(FULL));
    let _ = rig.sent();
    rig.acknowledge(1 + 10 * 1_460 + 4 + 1_000);
    rig.pass(Duration::from_millis(10));
    rig.acknowledge(1 + 11 * 1_460 + 4);
    let info = rig.connection.info(rig.now);
    assert_eq!((info.bytes_sent, info.bytes_acknowledged), (11 * 1_460 + 4, 11 * 1_460 + 4));
    assert_eq!(info.delivery_rate.map(|rate| rate.bytes), Some(1_460));
}

// proves: tcp-idle-transfer
#[test]
fn idle_connection_without_losses_forgets_its_transfer() {
    let mut rig = Rig::established(&plain());
    for round in 1..4_u32 {
        rig.write(&pattern(3 * FULL));
        assert_eq!(rig.sent_lengths().len(), 3, "round {round}");
        assert!(rig.connection.transfer.is_some());
        rig.acknowledge(1 + round * 3 * 1_460);
        rig.pass(Duration::from_secs(2));
        assert!(rig.connection.transfer.is_none(), "an idle connection has a transfer");
        let info = rig.connection.info(rig.now);
        let bytes = u64::from(round * 3 * 1_460);
        assert_eq!((info.bytes_sent, info.bytes_acknowledged, info.delivered), (bytes, bytes, bytes));
    }
    // The initial window has ten segments.
    rig.write(&pattern(11 * FULL));
    assert_eq!(rig.sent_lengths().len(), 10, "the initial window does not apply after an idle time");
}

// proves: tcp-idle-transfer
#[test]
fn idle_connection_with_a_long_timeout_forgets_its_transfer_after_the_timeout() {
    let mut rig = Rig::established(&TcpSettings { minimum_rto: Duration::from_secs(5), ..plain() });
    rig.write(b"data");
    let _ = rig.sent();
    rig.acknowledge(5);
    let rto = rig.connection.info(rig.now).rto;
    assert!(rto >= Duration::from_secs(5), "{rto:?}");
    rig.pass(rto.saturating_sub(Duration::from_millis(1)));
    assert_eq!(rig.connection.send_buffer.capacity(), 0, "the send buffer keeps its memory for the timeout");
    assert!(rig.connection.transfer.is_some(), "the window is forgotten before the timeout");
    rig.pass(Duration::from_millis(1));
    assert!(rig.connection.transfer.is_none(), "an idle connection has a transfer");
    assert_eq!(rig.connection.deadline(), None);
}

// proves: tcp-unsent
#[test]
fn connection_ends_if_no_device_accepts_its_data() {
    for (user_timeout, limit) in
        [(None, Duration::from_mins(15)), (Some(Duration::from_secs(10)), Duration::from_secs(10))]
    {
        for has_data in [false, true] {
            let mut rig = Rig::established(&TcpSettings { user_timeout, ..plain() });
            rig.pass(Duration::from_hours(1));
            if has_data {
                rig.write(b"data");
            } else {
                rig.connection.shutdown(rig.now);
            }
            rig.pass(limit.saturating_sub(Duration::from_millis(1)));
            assert_eq!(rig.status().closed, None, "the connection ended before {limit:?}");
            rig.pass(Duration::from_millis(1));
            rig.assert_ended(CloseReason::TimedOut);
        }
    }
}
