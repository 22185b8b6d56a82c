use super::*;
use crate::Offload;

/// File that fails `errors` times with one error, and then returns a frame of 20 bytes.
struct Script {
    errors: usize,
    error: Errno,
    reads: usize,
}

impl FrameFile for Script {
    fn receive(&mut self, frame: &mut Frame, _: &mut Pool) -> io::Result<()> {
        self.reads += 1;
        if self.reads <= self.errors {
            Err(self.error.into())
        } else {
            read_write::fill(frame, |_| Ok((20, Offload::default())))
        }
    }

    fn transmit(&mut self, _: &mut Batch) -> (usize, io::Result<usize>) {
        (1, Err(io::ErrorKind::Unsupported.into()))
    }

    fn classify(error: &io::Error) -> ErrorClass {
        Socket::classify(error)
    }
}

#[test]
fn oversized_frame_is_read_after_errors_of_interface() {
    for errors in [0, 1, 2, 3, 100] {
        let mut file = Script { errors, error: Errno::ENETDOWN, reads: 0 };
        let (mut frame, mut counters) = (Frame::for_mtu(100), DeviceCounters::default());
        let pool = &mut Pool::new(100, 1);
        assert!(read_oversized(&mut frame, &mut file, &mut counters, pool), "{errors}");
        assert_eq!((frame.len(), counters.unreadable), (20, u64::try_from(errors).unwrap()));
    }
}

#[test]
fn oversized_frame_is_lost_when_read_fails_or_errors_exceed_maximum() {
    for (error, reads) in
        [(Errno::EAGAIN, 1), (Errno::ENXIO, 1), (Errno::EPERM, 1), (Errno::EINVAL, MAX_ERRORS)]
    {
        let mut file = Script { errors: usize::MAX, error, reads: 0 };
        let (mut frame, mut counters) = (Frame::for_mtu(100), DeviceCounters::default());
        assert!(!read_oversized(&mut frame, &mut file, &mut counters, &mut Pool::new(100, 1)), "{error}");
        assert_eq!(file.reads, reads, "{error}");
    }
}
