use super::*;

/// File that returns `frames` frames of `length` bytes, and is then gone.
struct Script {
    frames: usize,
    length: usize,
    reads: usize,
}

impl FrameFile for Script {
    fn receive(&mut self, frame: &mut Frame, _: &mut Pool) -> io::Result<()> {
        self.reads += 1;
        if self.reads > self.frames {
            return Err(io::ErrorKind::NotFound.into());
        }
        fill(frame, |space| Ok((self.length.min(space.len()), Offload::default())))
    }

    fn transmit(&mut self, _: &mut Batch) -> (usize, io::Result<usize>) {
        (1, Err(io::ErrorKind::NotFound.into()))
    }

    fn classify(_: &io::Error) -> ErrorClass {
        ErrorClass::DeviceGone
    }
}

#[test]
fn receive_returns_after_one_batch_when_all_frames_are_truncated() {
    let mut file = Script { frames: usize::MAX, length: usize::MAX, reads: 0 };
    let (mut counters, mut pool, mut batch) = (DeviceCounters::default(), Pool::new(100, 8), Batch::new(8));
    assert_eq!(receive(&mut file, &mut counters, &mut pool, &mut batch, usize::MAX).unwrap().frames, 0);
    assert_eq!((file.reads, counters.truncated, pool.held()), (8, 8, 0));
}

#[test]
fn receive_returns_frames_before_error_that_follows_them() {
    let mut file = Script { frames: 2, length: 20, reads: 0 };
    let (mut counters, mut pool, mut batch) = (DeviceCounters::default(), Pool::new(100, 8), Batch::new(8));
    assert_eq!(receive(&mut file, &mut counters, &mut pool, &mut batch, usize::MAX).unwrap().frames, 2);
    let error = receive(&mut file, &mut counters, &mut pool, &mut batch, usize::MAX).unwrap_err();
    assert!(matches!(error, DeviceError::Gone(_)));
    assert_eq!((batch.len(), pool.held()), (2, 2));
}
