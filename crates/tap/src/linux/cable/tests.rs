use super::*;
use crate::Frame;

fn frame(pool: &mut Pool, bytes: &[u8]) -> Frame {
    let mut frame = pool.take().unwrap();
    frame.write(bytes).unwrap();
    frame
}

#[test]
fn cable_keeps_bytes_and_order_of_frames() {
    let (mut left, mut right) = Cable::pair(1500).unwrap();
    let mut pool = Pool::new(1500, 8);
    let mut batch = Batch::new(8);
    batch.push(frame(&mut pool, b"first")).unwrap();
    batch.push(frame(&mut pool, b"second")).unwrap();
    assert_eq!(left.transmit(&mut batch, &mut pool).unwrap().sent, 2);
    assert_eq!(right.receive(&mut pool, &mut batch).unwrap().frames, 2);
    let seen: Vec<_> = batch.iter().map(Frame::bytes).collect();
    assert_eq!(seen, [&b"first"[..], b"second"]);
}

#[test]
fn congested_cable_leaves_remaining_frames_in_batch() {
    let (mut left, mut right) = Cable::pair(1500).unwrap();
    let mut pool = Pool::new(1500, 8192);
    let mut batch = Batch::new(4096);
    for _ in 0..4096 {
        batch.push(frame(&mut pool, b"x")).unwrap();
    }
    let Transmitted { sent, would_block, .. } = left.transmit(&mut batch, &mut pool).unwrap();
    assert!(sent > 0 && would_block);
    assert_eq!(batch.len(), 4096 - sent);
    assert_eq!(left.counters().congested, 1);

    let mut arrived = Batch::new(4096);
    assert_eq!(right.receive(&mut pool, &mut arrived).unwrap().frames, sent);
    assert!(left.transmit(&mut batch, &mut pool).unwrap().sent > 0);
}

#[test]
fn cable_drops_and_counts_frame_longer_than_mtu() {
    let (mut left, mut right) = Cable::pair(1500).unwrap();
    let mut pool = Pool::new(9000, 8);
    let mut small = Pool::new(1500, 8);
    let mut batch = Batch::new(8);
    batch.push(frame(&mut pool, &[7; 1523])).unwrap();
    batch.push(frame(&mut pool, &[7; 1522])).unwrap();
    left.transmit(&mut batch, &mut pool).unwrap();
    assert_eq!(right.receive(&mut small, &mut batch).unwrap().frames, 1);
    assert_eq!(batch.front().map(Frame::len), Some(1522));
    assert_eq!(right.counters().truncated, 1);
}

#[test]
fn cable_receives_nothing_and_holds_no_frame_when_empty() {
    let (_left, mut right) = Cable::pair(1500).unwrap();
    let mut pool = Pool::new(1500, 8);
    assert_eq!(right.receive(&mut pool, &mut Batch::new(8)).unwrap().frames, 0);
    assert_eq!(pool.held(), 0);
}

#[test]
fn cable_is_gone_when_other_end_is_closed() {
    let (mut left, right) = Cable::pair(1500).unwrap();
    drop(right);
    let mut pool = Pool::new(1500, 8);
    let mut batch = Batch::new(8);
    batch.push(frame(&mut pool, b"x")).unwrap();
    let error = left.transmit(&mut batch, &mut pool).unwrap_err();
    assert!(matches!(error, DeviceError::Gone(_)));
}

#[test]
fn cable_transmits_offload_state_and_pool_resets_it() {
    let (mut left, mut right) = Cable::pair(1500).unwrap();
    let (mut pool, mut batch) = (Pool::new(1500, 8), Batch::new(8));
    let segments = |kind, cwr| Some(Segmentation { kind, size: 1_460, header: 54, cwr });
    let states = [
        Offload::default(),
        Offload { checksum: Checksum::Verified, segmentation: None },
        Offload {
            checksum: Checksum::Partial { start: 34, offset: 16 },
            segmentation: segments(SegmentationKind::TcpV4, true),
        },
        Offload { checksum: Checksum::None, segmentation: segments(SegmentationKind::TcpV6, false) },
        Offload { checksum: Checksum::None, segmentation: segments(SegmentationKind::Udp, false) },
    ];
    for offload in states {
        let mut frame = frame(&mut pool, b"bytes");
        frame.set_offload(offload);
        batch.push(frame).unwrap();
    }
    left.transmit(&mut batch, &mut pool).unwrap();
    right.receive(&mut pool, &mut batch).unwrap();
    let seen: Vec<_> = batch.iter().map(|frame| (frame.bytes(), frame.offload())).collect();
    assert_eq!(seen, states.map(|offload| (&b"bytes"[..], offload)));
    while let Some(frame) = batch.pop() {
        pool.give(frame);
    }
    assert!((0..8).all(|_| pool.take().unwrap().offload() == Offload::default()));
}
