use super::*;
use serde_json::Value;

const NOW: Instant = Instant::from_nanos(3_661_000_042_000);

fn events() -> [Event; 4] {
    let (a, b) = (MacAddr::new([2, 0, 0, 0, 0, 1]), MacAddr::new([2, 0, 0, 0, 0, 2]));
    let protocol = [10, 0, 0, 1].into();
    [
        Event::Learned { protocol, hardware: a },
        Event::Moved { protocol, from: a, to: b },
        Event::Refused { protocol, hardware: a },
        Event::Conflict { protocol, hardware: a },
    ]
}

fn printed(level: Level, json: bool, act: impl FnOnce(&mut Report<&mut Vec<u8>>)) -> String {
    let mut out = Vec::new();
    let mut report = Report::new(&mut out, level, json);
    act(&mut report);
    report.flush();
    drop(report);
    String::from_utf8(out).unwrap()
}

fn drop_one(report: &mut Report<&mut Vec<u8>>) {
    report.arrived(NOW, &[2; 14]);
    report.judged(NOW, Verdict::Dropped(link::Dropped::NotForUs.into()));
}

#[test]
fn a_drop_names_its_sender_and_its_reason() {
    let text = printed(Level::Events, false, drop_one);
    assert_eq!(text, "01:01:01.000042 dropped a frame from 02:02:02:02:02:02: not for us\n");
}

#[test]
fn quiet_prints_no_drop_and_frames_prints_the_frame_too() {
    assert_eq!(printed(Level::Quiet, false, drop_one), "");
    assert_eq!(printed(Level::Frames, false, drop_one).lines().count(), 2);
}

#[test]
fn every_event_is_one_json_object_a_line_with_its_time() {
    for event in events() {
        let line = serde_json::to_value(Line::event(NOW, event)).unwrap();
        assert!(line.get("event").is_some_and(Value::is_string), "{line}");
        assert_eq!(line.get("time").and_then(Value::as_u64), Some(NOW.as_nanos()));
        assert!(sentence(event).starts_with(line["event"].as_str().unwrap()));
    }
    let text = printed(Level::Frames, true, drop_one);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["octets"], "02".repeat(14));
    assert_eq!((lines[1]["layer"].as_str(), lines[1]["reason"].as_str()), (Some("link"), Some("not for us")));
}

/// A pipe whose reader is gone.
struct Broken;

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Err(io::ErrorKind::BrokenPipe.into())
    }
}

#[test]
fn a_reader_that_went_away_silences_the_report() {
    let mut report = Report::new(Broken, Level::Frames, false);
    report.print_line(format_args!("x"));
    report.flush();
    assert!(report.unheard);
    report.print_line(format_args!("y"));
}
