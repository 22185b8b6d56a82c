use super::*;

impl Sink for Vec<u8> {
    fn has_room(&self, _: Duration) -> bool {
        true
    }
}

/// A pipe whose reader is gone, or has stopped reading.
struct Pipe {
    broken: bool,
    taken: usize,
}

impl Write for Pipe {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.taken += octets.len();
        Ok(octets.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink for Pipe {
    fn has_room(&self, _: Duration) -> bool {
        self.broken || self.taken < 8_192
    }
}

#[test]
fn a_reader_that_went_away_silences_the_report() {
    let mut output = Output::new(Pipe { broken: true, taken: 0 });
    output.line("x");
    output.flush(Duration::ZERO);
    output.line("y");
    assert_eq!(output.pending(), 0);
}

#[test]
fn a_reader_that_stopped_reading_costs_lines_and_they_are_counted() {
    let mut output = Output::new(Pipe { broken: false, taken: 0 });
    let line = "x".repeat(999);
    for _ in 0..1_000 {
        output.line(&line);
        output.flush(Duration::ZERO);
    }
    assert!(output.pending() <= BOUND);
    let (lost, pending) = (output.lost(), output.pending());
    assert!(lost > 700, "a pipe of 8 KiB is full, and 256 KiB wait: {lost}");
    let kept = u64::try_from(output.into_inner().taken + pending).unwrap();
    assert_eq!(lost * 1_000 + kept, 1_000_000);
}

#[test]
fn the_last_lines_that_nobody_reads_are_counted_too() {
    let mut output = Output::new(Pipe { broken: false, taken: 8_192 });
    for _ in 0..3 {
        output.line("x");
    }
    let lost = output.finish(Duration::ZERO);
    assert_eq!((lost, output.pending()), (3, 0));
}
