use clap::Parser;

use super::*;
use crate::arguments::{Command, CommandLine};
use crate::scan::tests::{RIVAL, reply, sweep};

#[test]
fn file_receives_limited_number_of_replies_of_an_address() {
    let path = std::env::temp_dir().join(format!("tapstack-results-{}", std::process::id()));
    let words = ["tapstack", "scan", "-I", "eth0", "-q", "-x", "10.0.0.1", "-o"].map(str::to_owned);
    let words = words.into_iter().chain([path.display().to_string()]);
    let Some(Command::Scan(arguments)) = CommandLine::try_parse_from(words).unwrap().command else {
        panic!("another command");
    };
    let interface = "eth0".parse().unwrap();
    let mut results = ScanResults::open(&arguments, Clock::start(), interface, None).unwrap();
    let mut sweep = sweep();
    for _ in 0..4_094 + 2 {
        let reply = reply(&mut sweep, RIVAL);
        results.reply(&sweep, reply);
    }
    assert_eq!(results.not_written, 2);
    results.save().unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert_eq!(text.lines().count(), 4_094);
    assert!(text.ends_with(" (DUP: 4094)\n"), "the last line of the file is another reply");
}
