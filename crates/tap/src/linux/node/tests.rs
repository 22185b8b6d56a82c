use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;

use super::*;
use crate::{Checksum, Segmentation, SegmentationKind};

#[test]
fn absent_node_is_distinguished_from_refused_node_by_errno() {
    let error = |errno: Errno| open_error(errno.into());
    assert!(matches!(error(Errno::ENOENT), OpenError::NoNode(_)));
    assert!(matches!(error(Errno::ENODEV), OpenError::NoNode(_)));
    assert!(matches!(error(Errno::EACCES), OpenError::NodeRefused(_)));
    assert!(matches!(error(Errno::EMFILE), OpenError::Failed { .. }));
}

/// Returns a node that exchanges messages with a socket: each message is a virtio header and a frame.
fn node_with_header() -> (TunNode, UnixDatagram) {
    let (node, peer) = UnixDatagram::pair().unwrap();
    node.set_nonblocking(true).unwrap();
    (TunNode { file: File::from(OwnedFd::from(node)), has_header: true, joins: true }, peer)
}

#[test]
fn long_frame_is_read_into_large_frame() {
    let (mut node, peer) = node_with_header();
    let mut pool = Pool::new(1_500, 4);
    let space = Frame::space_for(1_500);
    for length in [0, 42, space - 1, space, space + 1, 65_549] {
        let bytes: Vec<u8> = (0..=255).cycle().take(length).collect();
        let offload = Offload {
            checksum: Checksum::Verified,
            segmentation: Some(Segmentation {
                kind: SegmentationKind::TcpV4,
                size: 1_448,
                header: 66,
                cwr: false,
            }),
        };
        // The flag of a verified checksum, which the kernel alone sets.
        let mut header = virtio_header::encode(offload, 65_549);
        header[0] = 2;
        peer.send(&[&header[..], &bytes].concat()).unwrap();
        let mut frame = pool.take().unwrap();
        node.receive(&mut frame, &mut pool).unwrap();
        assert!(frame.bytes() == bytes, "a frame of {length} bytes changed");
        assert!(!frame.is_full(), "a frame of {length} bytes counts as truncated");
        assert_eq!(frame.capacity() > Frame::capacity_for(1_500), length >= space, "{length}");
        assert_eq!(frame.offload(), offload);
        assert_eq!(pool.held(), 1);
        pool.give(frame);
    }
    let error = node.receive(&mut pool.take().unwrap(), &mut pool).unwrap_err();
    assert_eq!((error.kind(), pool.held()), (io::ErrorKind::WouldBlock, 1));
}

#[test]
fn long_frame_is_truncated_without_large_frame() {
    let (mut node, peer) = node_with_header();
    let mut pool = Pool::new(1_500, 4).with_large_limit(0);
    peer.send(&[0; 10 + 2_000]).unwrap();
    let mut frame = pool.take().unwrap();
    node.receive(&mut frame, &mut pool).unwrap();
    assert!(frame.is_full());
    peer.send(&[0; 10 + 42]).unwrap();
    node.receive(&mut frame, &mut pool).unwrap();
    assert_eq!(frame.len(), 42);
}

#[test]
fn message_without_whole_header_is_unreadable() {
    let (mut node, peer) = node_with_header();
    let mut pool = Pool::new(1_500, 4);
    peer.send(&[0; 9]).unwrap();
    let error = node.receive(&mut pool.take().unwrap(), &mut pool).unwrap_err();
    assert_eq!(TunNode::classify(&error), ErrorClass::FrameLost);
}

#[test]
fn frame_is_written_behind_header_that_can_be_written_again() {
    let (mut node, peer) = node_with_header();
    let mut batch = Batch::new(1);
    let mut frame = Frame::for_mtu(100);
    frame.write(&[7; 60]).unwrap();
    frame.set_offload(Offload { checksum: Checksum::Partial { start: 34, offset: 6 }, segmentation: None });
    batch.push(frame).unwrap();
    let mut message = [0; 200];
    for _ in 0..2 {
        let (count, length) = node.transmit(&mut batch);
        assert_eq!((count, length.unwrap(), batch.len()), (1, 70, 1));
        assert_eq!(peer.recv(&mut message).unwrap(), 70);
        assert_eq!(message[..10], virtio_header::encode(batch.front().unwrap().offload(), 60));
        assert_eq!(message[10..70], [7; 60]);
    }
    // A frame that fills its headroom has no space for the header.
    let frame = batch.front_mut().unwrap();
    frame.prepend(Frame::HEADROOM).unwrap().fill(8);
    assert_eq!(node.transmit(&mut batch).1.unwrap(), 10 + Frame::HEADROOM + 60);
    assert_eq!(peer.recv(&mut message).unwrap(), 200);
    assert_eq!(message[10..170], [8; 160]);
}
