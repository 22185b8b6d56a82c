use super::*;

// proves: rfc9293-nagle
#[test]
fn small_segment_waits_only_for_small_segment() {
    let mut rig = Rig::established(&plain());
    rig.write(b"small");
    assert_eq!(rig.sent_lengths(), [5]);
    rig.write(b"second");
    rig.assert_silent();
    // A full segment does not wait, and the rest does.
    rig.write(&pattern(FULL));
    assert_eq!(rig.sent_lengths(), [FULL]);
    rig.acknowledge(6);
    assert_eq!(rig.sent_lengths(), [6], "only a full segment is outstanding");

    // Two writes and a read never wait for a delayed ACK at a full-size boundary.
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(FULL));
    rig.write(b"rest");
    assert_eq!(rig.sent_lengths(), [FULL, 4]);

    let mut rig = Rig::established(&TcpSettings { nagle: false, ..plain() });
    for _ in 0..3 {
        rig.write(b"small");
        assert_eq!(rig.sent_lengths(), [5]);
    }
    let mut rig = Rig::established(&plain());
    rig.write(b"small");
    assert_eq!(rig.sent_lengths(), [5]);
    rig.write(b"small");
    rig.connection.set(rig.now, Setting::Nagle(false));
    assert_eq!(rig.sent_lengths(), [5]);
}

#[test]
fn fin_does_not_wait_for_small_segment() {
    let mut rig = Rig::established(&plain());
    rig.write(b"small");
    assert_eq!(rig.sent_lengths(), [5]);
    rig.write(b"last");
    rig.connection.shutdown(rig.now);
    assert_eq!(rig.sent_lengths(), [4]);
}

// proves: rfc9293-push, rfc9293-send-maximum
#[test]
fn last_segment_of_queued_data_is_pushed() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(2 * FULL + 1));
    let flags: Vec<_> = rig.all_sent().iter().map(|sent| (sent.data.len(), sent.flags)).collect();
    let push = Flags::PSH | Flags::ACK;
    assert_eq!(flags, [(FULL, Flags::ACK), (FULL, Flags::ACK), (1, push)]);
}

// proves: rfc9293-sws-sender, tcp-sws-override
#[test]
fn small_window_is_used_only_by_the_override_timer() {
    let mut rig = Rig::established(&plain());
    rig.give(Given::new(Flags::ACK, 1, 1).window(500));
    rig.write(&pattern(FULL));
    rig.assert_silent();
    let elapsed = rig.pass_to_deadline();
    assert!(elapsed >= Duration::from_millis(100) && elapsed <= Duration::from_secs(1), "after {elapsed:?}");
    assert_eq!(rig.sent_lengths(), [500]);
    // The segment is retransmitted like any other.
    rig.pass_to_deadline();
    assert_eq!(rig.sent_lengths(), [500]);
    rig.give(Given::new(Flags::ACK, 1, 501).window(0));
    rig.assert_silent();
    // The largest window counts, not the first one.
    let mut rig = Rig::in_state(State::SynSent);
    rig.give(Given::new(Flags::SYN | Flags::ACK, 0, 1).window(800));
    let _ = rig.sent();
    rig.give(Given::new(Flags::ACK, 1, 1).window(4_000));
    rig.give(Given::new(Flags::ACK, 1, 1).window(400));
    rig.write(&pattern(FULL));
    rig.assert_silent();
    // A window of half of the largest window is used at once.
    let mut rig = Rig::in_state(State::SynSent);
    rig.give(Given::new(Flags::SYN | Flags::ACK, 0, 1).window(800));
    let _ = rig.sent();
    rig.give(Given::new(Flags::ACK, 1, 1).window(400));
    rig.write(&pattern(FULL));
    assert_eq!(rig.sent_lengths(), [400]);
}

fn closed() -> Rig {
    let mut rig = Rig::established(&plain());
    rig.give(Given::new(Flags::ACK, 1, 1).window(0));
    rig
}

// proves: rfc9293-zero-window-probe, tcp-probe-byte
#[test]
fn zero_window_is_probed_with_a_byte_at_doubled_intervals() {
    for initial in INITIAL {
        let mut rig = Rig::established_at(&plain(), initial, initial);
        rig.give(Given::new(Flags::ACK, 1, 1).window(0));
        rig.write(b"data");
        rig.assert_silent();
        let mut interval = rig.connection.info(rig.now).rto;
        for _ in 0..12 {
            assert_eq!(rig.pass_to_deadline(), interval);
            let probe = rig.sent();
            assert_eq!((probe.sequence, probe.data), (1, b"d".to_vec()));
            rig.assert_silent();
            rig.give(Given::new(Flags::ACK, 1, 1).window(0));
            rig.assert_silent();
            interval = (interval * 2).min(Duration::from_mins(1));
        }
        assert_eq!(interval, Duration::from_mins(1));
        rig.give(Given::new(Flags::ACK, 1, 1).window(1_000));
        assert_eq!(rig.sent().data, b"d", "the discarded byte is not sent again at once");
        assert_eq!(rig.sent().data, b"ata");
        rig.acknowledge(5);
        rig.pass(Duration::from_secs(2));
        assert_eq!(rig.connection.deadline(), None);
    }
}

#[test]
fn window_that_stays_closed_after_an_accepted_probe_is_probed_further() {
    let mut rig = closed();
    rig.write(b"data");
    for (acknowledgment, byte) in (2..).zip(b"data") {
        let rto = rig.connection.info(rig.now).rto;
        assert_eq!(rig.pass_to_deadline(), rto, "the interval does not start anew");
        assert_eq!(rig.sent().data, [*byte]);
        rig.pass(Duration::from_millis(1));
        rig.give(Given::new(Flags::ACK, 1, acknowledgment).window(0));
    }
    assert_eq!(rig.connection.info(rig.now).unacknowledged, 0);
}

#[test]
fn right_edge_of_send_window_stays_if_an_old_segment_acknowledges_data() {
    let mut rig = Rig::established(&plain());
    rig.give(Given::new(Flags::ACK, 1, 1).data(&[0; 10]).window(3_000));
    let _ = rig.sent();
    rig.give(Given::new(Flags::ACK, 11, 1).window(3_000));
    rig.write(&pattern(FULL));
    assert_eq!(rig.sent_lengths(), [FULL]);
    // The segment repeats old data, so its window does not count, but its acknowledgment does.
    rig.give(Given::new(Flags::ACK, 8, 1 + 1_460).data(&[0; 5]).window(9_000));
    assert_eq!(rig.connection.info(rig.now).send_window, 3_000 - 1_460);
}

#[test]
fn probe_that_was_not_sent_before_the_window_opens_is_omitted() {
    let mut rig = closed();
    rig.write(b"data");
    rig.pass_to_deadline();
    assert_eq!(rig.sent_lengths(), [1]);
    // The device does not accept the second probe.
    rig.pass_to_deadline();
    rig.give(Given::new(Flags::ACK, 1, 1).window(1_000));
    assert_eq!(rig.sent_lengths(), [1, 3]);
    assert_eq!(rig.connection.deadline(), Some(rig.now + rig.connection.info(rig.now).rto));
}

#[test]
fn accepted_probe_is_not_sent_again() {
    let mut rig = closed();
    rig.write(b"data");
    rig.pass_to_deadline();
    assert_eq!(rig.sent().data, b"d");
    rig.give(Given::new(Flags::ACK, 1, 2).window(1_000));
    assert_eq!(rig.sent().data, b"ata");
}

#[test]
fn fin_probes_zero_window() {
    let mut rig = closed();
    rig.connection.shutdown(rig.now);
    rig.assert_silent();
    for _ in 0..3 {
        rig.pass_to_deadline();
        let probe = rig.sent();
        assert_eq!((probe.flags, probe.sequence, probe.data.len()), (Flags::FIN | Flags::ACK, 1, 0));
        rig.give(Given::new(Flags::ACK, 1, 1).window(0));
    }
    rig.give(Given::new(Flags::ACK, 1, 2).window(0));
    assert_eq!(rig.connection.state(), State::FinWait2);
}

// proves: rfc9293-zero-window-stay
#[test]
fn answered_probes_keep_the_connection() {
    for user_timeout in [None, Some(Duration::from_secs(100))] {
        let mut rig = Rig::established(&TcpSettings { user_timeout, ..plain() });
        rig.give(Given::new(Flags::ACK, 1, 1).window(0));
        rig.write(b"data");
        for _ in 0..1_000 {
            rig.pass_to_deadline();
            let _ = rig.all_sent();
            rig.give(Given::new(Flags::ACK, 1, 1).window(0));
        }
        assert_eq!(rig.connection.state(), State::Established);
        // Without answers, the connection ends.
        for _ in 0..16 {
            if rig.connection.state() == State::Established {
                rig.pass_to_deadline();
                let _ = rig.all_sent();
            }
        }
        rig.assert_ended(CloseReason::TimedOut);
    }
}

// proves: tcp-orphan-probes
#[test]
fn closed_window_ends_a_connection_that_its_user_has_closed() {
    // The number of accepted bytes of each probe.
    for accepted in [0, 1] {
        let mut rig = closed();
        rig.write(&pattern(FULL));
        // The probes before the close do not count.
        for _ in 0..20 {
            rig.pass_to_deadline();
            assert_eq!(rig.sent_lengths(), [1]);
            rig.give(Given::new(Flags::ACK, 1, 1).window(0));
        }
        rig.close();
        for probe in 1..=10 {
            rig.pass_to_deadline();
            assert_eq!(rig.sent_lengths(), [1], "probe {probe} is missing");
            rig.give(Given::new(Flags::ACK, 1, 1 + probe * accepted).window(0));
        }
        rig.pass_to_deadline();
        rig.assert_ended(CloseReason::TimedOut);
        assert_eq!(rig.memory.used(), 0, "the send buffer is not released");
    }

    // A window that opens in between permits further probes.
    let mut rig = closed();
    rig.write(b"data");
    rig.close();
    for acknowledgment in 1..=4 {
        for _ in 0..9 {
            rig.pass_to_deadline();
            assert_eq!(rig.sent_lengths(), [1]);
            rig.give(Given::new(Flags::ACK, 1, acknowledgment).window(0));
        }
        rig.give(Given::new(Flags::ACK, 1, acknowledgment).window(1));
        assert_eq!(rig.sent_lengths(), [1]);
        rig.give(Given::new(Flags::ACK, 1, acknowledgment + 1).window(0));
    }
    assert_eq!(rig.connection.state(), State::FinWait1);
}

// proves: rfc9293-keep-alive
#[test]
fn keep_alives_and_window_probes_are_counted_apart() {
    let keep_alive = KeepAlive { idle: Duration::from_secs(1), interval: Duration::from_secs(1), probes: 3 };
    let mut rig = Rig::opening(&TcpSettings { keep_alive: Some(keep_alive), ..plain() }, 1_000, 5_000);
    let _ = rig.sent();
    rig.pass_to_deadline();
    let _ = rig.sent();
    rig.give(Given::new(Flags::SYN | Flags::ACK, 0, 1).window(0));
    let _ = rig.sent();
    rig.connection.shutdown(rig.now);
    // The FIN waits for the window, so the connection is not idle. The SYN was lost, so the RTO is three seconds.
    for doubling in 0..4 {
        let end = rig.now + Duration::from_secs(3 << doubling);
        while rig.now < end {
            rig.assert_silent();
            rig.pass_to_deadline();
        }
        assert_eq!((rig.now, rig.sent().flags), (end, Flags::FIN | Flags::ACK), "after {doubling} probes");
    }
    assert_eq!(rig.connection.state(), State::FinWait1);

    let mut rig = closed();
    rig.write(b"data");
    for _ in 0..15 {
        rig.pass_to_deadline();
        assert_eq!(rig.sent_lengths(), [1]);
        rig.connection.set(rig.now, Setting::KeepAlive(Some(KeepAlive::default())));
    }
    rig.pass_to_deadline();
    rig.assert_ended(CloseReason::TimedOut);
}

// proves: tcp-buffer-idle
#[test]
fn memory_of_an_empty_receive_buffer_is_released() {
    let mut rig = Rig::established(&plain());
    for _ in 0..2 {
        rig.give_data(b"data");
        let _ = rig.sent();
        rig.pass(Duration::from_secs(10));
        assert!(!rig.connection.receive_buffer.has_idle_memory(), "a buffer with data is idle");
        rig.read();
        assert!(rig.connection.receive_buffer.has_idle_memory());
        rig.give_data(b"data");
        let _ = rig.sent();
        rig.read();
        rig.pass(Duration::from_millis(999));
        assert!(rig.connection.receive_buffer.has_idle_memory(), "a buffer in use has lost its memory");
        rig.pass(Duration::from_millis(1));
        assert!(!rig.connection.receive_buffer.has_idle_memory(), "an idle connection has memory for data");
        assert_eq!(rig.connection.deadline(), None);
    }
}

// proves: rfc9293-window-shrunk
#[test]
fn shrunk_window_stops_new_data_and_retransmits_old_data_in_it() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(4 * FULL));
    assert_eq!(rig.sent_lengths().len(), 4);
    rig.give(Given::new(Flags::ACK, 1, 1).window(2_000));
    rig.write(&pattern(FULL));
    rig.assert_silent();
    rig.pass_to_deadline();
    assert_eq!(rig.sent_lengths(), [FULL]);
    rig.give(Given::new(Flags::ACK, 1, 1 + 1_460).window(540));
    assert_eq!(rig.sent_lengths(), [540], "data behind the window is sent");

    // A window that shrinks to zero is probed, and the connection does not time out.
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(4 * FULL));
    assert_eq!(rig.sent_lengths().len(), 4);
    rig.give(Given::new(Flags::ACK, 1, 1).window(0));
    for _ in 0..100 {
        rig.pass_to_deadline();
        let probe = rig.sent();
        assert_eq!((probe.sequence, probe.data.len()), (1, 1));
        let reception = rig.receive(Given::new(Flags::ACK, 1, 1).window(0));
        assert_eq!(reception.reply, None);
    }
    assert_eq!(rig.connection.state(), State::Established);
    rig.give(Given::new(Flags::ACK, 1, 1).window(65_535));
    assert_eq!(rig.sent_lengths().len(), 4);
}

#[test]
fn acknowledgment_in_front_of_closed_window_is_acceptable_to_the_peer() {
    let mut rig = closed();
    rig.write(b"data");
    rig.pass_to_deadline();
    let _ = rig.sent();
    // The peer expects the byte of the probe, and accepts no segment behind it.
    let reception = rig.receive(Given::new(Flags::ACK, 5, 1).data(b"gap").window(0));
    assert_eq!(rig.reply(&reception), Some((Flags::ACK, 1, 1)));
}

fn receiving(size: usize) -> Rig {
    let settings =
        TcpSettings { receive_buffer: crate::BufferSize { initial: size, maximum: size }, ..plain() };
    Rig::established(&settings)
}

// proves: rfc9293-window-shrink
#[test]
fn right_edge_of_receive_window_never_moves_to_the_left() {
    let mut rig = receiving(20_000);
    let mut edge = 20_001;
    for length in [1, 1_460, 500, 1_000, 7, 1_400].into_iter().cycle().take(50) {
        rig.give_data(&pattern(length));
        rig.pass(Duration::from_millis(40));
        let ack = rig.sent();
        let announced = ack.acknowledgment + u32::from(ack.window);
        assert!(announced >= edge, "the edge moves from {edge} to {announced}");
        edge = announced;
        if ack.window < 5_000 {
            rig.read();
        }
        if let Some(update) = rig.try_sent() {
            edge = update.acknowledgment + u32::from(update.window);
        }
    }
}

// proves: tcp-window-update, rfc9293-sws-receiver
#[test]
fn reading_opens_closed_window_at_once() {
    let mut rig = receiving(1_460);
    rig.give_data(&pattern(FULL));
    assert_eq!(rig.sent().window, 0);
    let mut small = [0; 10];
    let mut cx = Resources { memory: &mut rig.memory, pool: &mut rig.pool };
    assert_eq!(rig.connection.read(rig.now, &mut small, &mut cx), 10);
    rig.assert_silent();
    assert_eq!(rig.read().len(), FULL - 10);
    assert_eq!(rig.sent().window, 1_460);
}

#[test]
fn buffers_of_a_connection_can_be_resized() {
    let mut rig = Rig::established(&plain());
    let size = |bytes| crate::BufferSize { initial: bytes, maximum: bytes };
    rig.connection.set(rig.now, Setting::SendBuffer(size(100_000)));
    assert_eq!(rig.status().writable, 100_000);
    assert_eq!(rig.write(&pattern(60_000)), 60_000);
    rig.connection.set(rig.now, Setting::SendBuffer(size(1_000)));
    assert_eq!(rig.status().writable, 0);
    // A smaller receive buffer does not move the edge of the window.
    rig.connection.set(rig.now, Setting::ReceiveBuffer(size(10_000)));
    rig.give_data(&pattern(FULL));
    assert_eq!(rig.sent().window, 65_535 - 1_460);
    rig.connection.set(rig.now, Setting::ReceiveBuffer(size(1 << 20)));
    rig.give_data(&pattern(FULL));
    assert_eq!(rig.sent().window, 65_535);
}

#[test]
fn small_reads_of_a_large_window_cause_no_segment() {
    let mut rig = Rig::established(&plain());
    for _ in 0..100 {
        rig.give_data(&pattern(FULL));
        rig.give_data(&pattern(FULL));
        assert_eq!(rig.sent().data, b"", "the data is not acknowledged");
        assert_eq!(rig.read().len(), 2 * FULL);
        rig.assert_silent();
    }
}

#[test]
fn window_does_not_grow_while_memory_is_full() {
    let size = crate::BufferSize { initial: 1 << 20, maximum: 1 << 20 };
    let settings = TcpSettings { receive_buffer: size, window_scaling: true, ..plain() };
    let options = Options { window_scale: Some(0), ..Options::default() };
    for (limit, expected) in [(64 << 20, (1 << 20) - 5_000), (1_000, 65_535 - 1_460)] {
        let mut rig = Rig::opening(&settings, 1, 2);
        rig.memory = Memory::new(limit);
        let _ = rig.sent();
        let given = Given::new(Flags::SYN | Flags::ACK, 0, 1).options(options);
        // The data fills the memory before the first window is announced.
        rig.give(given.data(&pattern(FULL)));
        let window = u32::from(rig.sent().window) << 5;
        assert!(window.abs_diff(expected) < 5_000, "{window} bytes with {limit} bytes of memory");
    }
}

// proves: tcp-memory-window
#[test]
fn answer_to_window_probe_announces_the_window_that_free_memory_permits() {
    let mut rig = receiving(1_460);
    rig.memory = Memory::new(10_000);
    rig.give_data(&pattern(FULL));
    assert_eq!(rig.sent().window, 0);
    rig.memory.charge(10_000);
    assert_eq!(rig.read().len(), FULL);
    rig.assert_silent();
    rig.memory.release(10_000);
    let probe = Given::new(Flags::ACK, rig.next, rig.acknowledged).data(b"x");
    let reply = rig.receive(probe).reply.expect("the probe is not answered");
    assert_eq!(reply.window, 1_460);
}

#[test]
fn written_data_is_limited_by_send_buffer_and_reported() {
    let mut rig = closed();
    assert_eq!(rig.write(&pattern(100_000)), 16 << 10);
    assert_eq!(rig.status().writable, 0);
    assert_eq!(rig.write(b"more"), 0);
}

#[test]
fn data_that_a_closed_window_has_discarded_is_sent_again_when_the_window_opens() {
    let mut rig = Rig::established(&plain());
    rig.write(&pattern(2 * FULL));
    assert_eq!(rig.sent_lengths(), [FULL, FULL]);
    for _ in 0..2 {
        rig.give(Given::new(Flags::ACK, 1, 1).window(0));
    }
    assert_eq!(rig.connection.info(rig.now).lost, 0, "data is lost while the window is closed");
    rig.assert_silent();
    rig.give(Given::new(Flags::ACK, 1, 1));
    let again: Vec<_> = rig.all_sent().iter().map(|sent| (sent.sequence, sent.data.len())).collect();
    assert_eq!(again.first(), Some(&(1, FULL)), "the data waits for a timeout");
}

// proves: rfc7323-window-rounded
#[test]
fn acknowledgment_keeps_its_sequence_number_if_rounding_moves_the_edge_of_the_window() {
    let settings = TcpSettings { window_scaling: true, ..plain() };
    let options = Options { maximum_segment_size: Some(1_460), window_scale: Some(7), ..Options::default() };
    let mut rig = Rig::established_with(&settings, options, 1_000, 5_000);
    // A window of 2,048 bytes, and then one of 1,920 bytes after 100 bytes.
    rig.give(Given::new(Flags::ACK, 1, 1).window(16));
    rig.write(&pattern(2_048));
    assert_eq!(rig.sent_lengths(), [1_460, 588]);
    rig.give(Given::new(Flags::ACK, 1, 101).window(15));
    rig.give(Given::new(Flags::ACK | Flags::PSH, 1, 101).data(b"data").window(15));
    let ack = rig.sent();
    assert_eq!((ack.sequence, ack.acknowledgment), (2_049, 5), "{ack:?}");
}

// proves: rfc7323-window-rounded
#[test]
fn acknowledgment_begins_at_the_edge_of_a_window_that_is_smaller_by_more_than_rounding() {
    let settings = TcpSettings { window_scaling: true, ..plain() };
    let options = Options { maximum_segment_size: Some(1_460), window_scale: Some(7), ..Options::default() };
    // The window ends 128 bytes before the data in flight, which is a whole unit. A closed window is not rounded.
    for (window, written, edge) in [(15, 2_048, 1_921), (0, 100, 1)] {
        let mut rig = Rig::established_with(&settings, options, 1_000, 5_000);
        rig.give(Given::new(Flags::ACK, 1, 1).window(16));
        rig.write(&pattern(written));
        assert_eq!(rig.all_sent().iter().map(|sent| sent.data.len()).sum::<usize>(), written);
        rig.give(Given::new(Flags::ACK, 1, 1).window(window));
        rig.give(Given::new(Flags::ACK | Flags::PSH, 1, 1).data(b"data").window(window));
        let ack = rig.sent();
        assert_eq!((ack.sequence, ack.acknowledgment), (edge, 5), "{ack:?}");
    }
}

// proves: tcp-cork
#[test]
fn corked_small_segment_waits_for_more_data() {
    let settings = TcpSettings { nagle: false, ..plain() };
    let mut rig = Rig::established(&settings);
    rig.connection.set(rig.now, Setting::Cork(true));
    rig.write(b"head");
    rig.assert_silent();
    // A full segment does not wait, and the rest does.
    rig.write(&pattern(FULL));
    assert_eq!(rig.sent_lengths(), [FULL]);
    rig.connection.set(rig.now, Setting::Cork(false));
    assert_eq!(rig.sent_lengths(), [4], "the end of the setting does not send the data");

    // The timer that overrides the rules against small segments sends the data.
    let mut rig = Rig::established(&settings);
    rig.connection.set(rig.now, Setting::Cork(true));
    rig.write(b"head");
    rig.assert_silent();
    assert!(rig.pass_to_deadline() >= Duration::from_millis(100), "the timer expires too early");
    assert_eq!(rig.sent_lengths(), [4]);

    // The end of a record stops the timer before the data is sent.
    let mut rig = Rig::established(&settings);
    rig.connection.set(rig.now, Setting::Cork(true));
    rig.write(b"head");
    rig.assert_silent();
    let expiry = rig.connection.deadline().expect("no timer runs");
    assert!(rig.connection.end_record(rig.now, &mut rig.memory), "the record is not ended");
    let next = rig.connection.deadline();
    assert!(next.is_none_or(|next| next > expiry), "the timer runs after the end of the record");

    // The timer does not run before all sent data is acknowledged.
    let mut rig = Rig::established(&settings);
    rig.connection.set(rig.now, Setting::Cork(true));
    rig.write(&pattern(FULL + 4));
    assert_eq!(rig.sent_lengths(), [FULL]);
    rig.pass(Duration::from_millis(150));
    rig.assert_silent();
    rig.acknowledge(1_461);
    rig.pass(Duration::from_millis(150));
    rig.assert_silent();
    rig.pass(Duration::from_millis(350));
    assert_eq!(rig.sent_lengths(), [4], "the timer does not send the data");

    // A FIN does not wait.
    let mut rig = Rig::established(&settings);
    rig.connection.set(rig.now, Setting::Cork(true));
    rig.write(b"last");
    rig.connection.shutdown(rig.now);
    assert_eq!(rig.sent_lengths(), [4]);
}

// proves: tcp-record
#[test]
fn segments_end_at_the_ends_of_records() {
    let mut rig = Rig::established(&plain());
    for record in [FULL + 40, 400, 400] {
        rig.write(&pattern(record));
        assert!(rig.connection.end_record(rig.now, &mut rig.memory), "the record is not ended");
    }
    // The last record is small, and waits for the small segments before it (Nagle's algorithm).
    assert_eq!(rig.sent_lengths(), [FULL, 40, 400]);
    rig.write(&pattern(FULL));
    assert_eq!(rig.sent_lengths(), [400, FULL], "a record that other data follows waits");
    // Retransmissions have the same limits.
    rig.pass_to_deadline();
    assert_eq!(rig.sent_lengths(), [FULL]);
    rig.acknowledge(1_461);
    assert_eq!(rig.sent_lengths(), [40, 400, 400, FULL]);
}

// proves: tcp-activity
#[test]
fn times_with_data_and_with_limiting_window_are_counted() {
    const MS: Duration = Duration::from_millis(1);
    let mut rig = Rig::established(&plain());
    let times = |rig: &Rig| {
        let info = rig.connection.info(rig.now);
        (info.busy, info.window_limited)
    };
    rig.give(Given::new(Flags::ACK, 1, 1).window(0));
    rig.pass(50 * MS);
    assert_eq!(times(&rig), (Duration::ZERO, Duration::ZERO), "an idle connection is busy");
    rig.write(&pattern(1_000));
    rig.pass(100 * MS);
    assert_eq!(times(&rig), (100 * MS, 100 * MS));
    // A window that is too small for the data limits the connection too.
    rig.give(Given::new(Flags::ACK, 1, 1).window(10));
    rig.pass(50 * MS + MS / 2);
    rig.give(Given::new(Flags::ACK, 1, 1));
    assert_eq!(rig.sent_lengths(), [1_000]);
    rig.pass(30 * MS + MS / 2);
    assert_eq!(times(&rig), (181 * MS, 150 * MS), "parts of milliseconds are lost");
    rig.acknowledge(1_001);
    rig.pass(Duration::from_secs(5));
    assert_eq!(times(&rig), (181 * MS, 150 * MS), "the times are lost, or an idle connection is busy");
    rig.connection.shutdown(rig.now);
    assert_eq!(rig.sent().flags, Flags::FIN | Flags::ACK, "no FIN");
    rig.pass(20 * MS);
    assert_eq!(times(&rig), (201 * MS, 150 * MS), "a FIN that is not acknowledged does not count");
}
