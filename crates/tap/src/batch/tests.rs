use super::*;

#[test]
fn full_batch_returns_frame() {
    let mut batch = Batch::new(1);
    batch.push(Frame::for_mtu(10)).unwrap();
    let mut second = Frame::for_mtu(10);
    second.write(b"second").unwrap();
    let returned = batch.push(second).unwrap_err();
    assert_eq!(returned.bytes(), b"second");
    assert_eq!((batch.len(), batch.free_capacity()), (1, 0));
}

#[test]
fn tokens_of_refused_frames_are_taken_once_in_order_and_use_capacity() {
    let mut batch = Batch::new(2);
    batch.refuse(Token::NONE).unwrap();
    batch.refuse(Token::new(7)).unwrap();
    batch.push(Frame::for_mtu(10)).unwrap();
    assert!(batch.push(Frame::for_mtu(10)).is_err());
    assert_eq!(batch.refuse(Token::new(8)), Err(Token::new(8)));
    batch.pop();
    batch.refuse(Token::new(8)).unwrap();
    assert_eq!([(); 3].map(|()| batch.take_refused()), [Some(Token::new(7)), Some(Token::new(8)), None]);
    assert_eq!(batch.free_capacity(), 2);
}

#[test]
fn unfinished_frames_are_those_pushed_since_last_call() {
    let mut batch = Batch::new(4);
    let push = |batch: &mut Batch, byte| {
        let mut frame = Frame::for_mtu(10);
        frame.write(&[byte]).unwrap();
        batch.push(frame).unwrap();
    };
    let next = |batch: &mut Batch| batch.next_unfinished().map(|frame| frame.bytes()[0]);
    push(&mut batch, 1);
    push(&mut batch, 2);
    assert_eq!([(); 3].map(|()| next(&mut batch)), [Some(1), Some(2), None]);
    batch.pop();
    push(&mut batch, 3);
    assert_eq!((next(&mut batch), next(&mut batch)), (Some(3), None));
    push(&mut batch, 4);
    for _ in 0..4 {
        batch.pop();
    }
    push(&mut batch, 5);
    assert_eq!((next(&mut batch), next(&mut batch)), (Some(5), None));
}

#[test]
fn append_moves_frames_in_order_up_to_count_and_capacity() {
    let frames = |bytes: &[u8]| {
        let frame = |byte: &u8| {
            let mut frame = Frame::for_mtu(10);
            frame.write(&[*byte]).unwrap();
            frame
        };
        bytes.iter().map(frame).collect::<VecDeque<_>>()
    };
    let bytes =
        |frames: &mut dyn Iterator<Item = &Frame>| frames.map(|frame| frame.bytes()[0]).collect::<Vec<_>>();
    let mut batch = Batch::new(4);
    let mut queue = frames(&[1, 2, 3]);
    assert_eq!(batch.append(&mut queue, 1), 1);
    assert_eq!(batch.append(&mut queue, 5), 2);
    let mut more = frames(&[4, 5]);
    assert_eq!(batch.append(&mut more, 5), 1);
    assert_eq!((bytes(&mut batch.iter()), bytes(&mut more.iter())), (vec![1, 2, 3, 4], vec![5]));
    assert!(queue.is_empty());
}
