use super::*;

fn lines(clock: Option<Clock>, start: Option<Instant>) -> LineOutput {
    LineOutput {
        out: Output::new(File::create("/dev/null").unwrap()),
        styler: Styler::DISABLED,
        json: true,
        kind: SourceKind::Link,
        clock,
        start,
        waits_for_reader: false,
    }
}

#[test]
fn elapsed_time_is_that_of_command_on_link_and_from_first_frame_in_capture() {
    let (clock, seconds) = (Clock::start(), Duration::from_secs);
    let wall = Instant::ORIGIN + WallClock::from(clock).origin() + seconds(5);
    // The first line was printed before the system clock was set back by an hour.
    let later = wall + seconds(3_600);
    assert_eq!(lines(Some(clock), Some(later)).moment(wall).elapsed, seconds(5));
    assert_eq!(lines(None, Some(wall)).moment(later).elapsed, seconds(3_600));
    assert_eq!(lines(None, None).moment(later).elapsed, Duration::ZERO);
}
