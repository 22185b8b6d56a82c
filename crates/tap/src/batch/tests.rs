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
