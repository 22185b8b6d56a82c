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
