use super::*;

impl Sink for Vec<u8> {
    fn is_writable(&self, _: Duration) -> bool {
        true
    }
}

/// A pipe with a reader that has closed its end or stopped reading.
struct Pipe {
    is_closed: bool,
    written: usize,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_closed {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.written += bytes.len();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Pipe {
    fn is_writable(&self, _: Duration) -> bool {
        self.is_closed || self.written < 8_192
    }
}

#[test]
fn closed_reader_stops_output() {
    let mut output = Output::new(Pipe { is_closed: true, written: 0 });
    output.line("x");
    output.flush(Duration::ZERO);
    output.line("y");
    assert_eq!(output.pending(), 0);
}

#[test]
fn lines_beyond_capacity_are_counted_as_lost_when_reader_stalls() {
    let mut output = Output::new(Pipe { is_closed: false, written: 0 });
    let line = "x".repeat(999);
    for _ in 0..1_000 {
        output.line(&line);
        output.flush(Duration::ZERO);
    }
    assert!(output.pending() <= CAPACITY);
    let (lost, pending) = (output.lost(), output.pending());
    assert!(lost > 700, "8 KiB in the pipe and 256 KiB in the buffer: {lost}");
    let kept = u64::try_from(output.into_inner().written + pending).unwrap();
    assert_eq!(lost * 1_000 + kept, 1_000_000);
}

#[test]
fn unread_last_lines_are_counted_as_lost() {
    let mut output = Output::new(Pipe { is_closed: false, written: 8_192 });
    for _ in 0..3 {
        output.line("x");
    }
    let lost = output.finish(Duration::ZERO);
    assert_eq!((lost, output.pending()), (3, 0));
}
