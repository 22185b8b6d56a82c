use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    nc: NcArguments,
}

fn parse(words: &str) -> NcArguments {
    let line = ["nc", "-u", "--tap", "t0", "-s", "10.0.0.2/24"].into_iter().chain(words.split_whitespace());
    Line::try_parse_from(line).expect("the arguments should be valid").nc
}

fn endpoints(words: &str) -> Endpoints {
    parse(words).endpoints().expect("the addresses and ports should be valid")
}

fn error(words: &str) -> String {
    parse(words).endpoints().expect_err("the addresses or ports should be invalid").to_string()
}

#[test]
fn words_name_peer_local_port_or_range() {
    let target = [10, 0, 0, 1].into();
    assert_eq!(endpoints("10.0.0.1 7"), Endpoints::Peer { target, port: 7, source_port: None });
    assert_eq!(endpoints("-p 9 10.0.0.1 7"), Endpoints::Peer { target, port: 7, source_port: Some(9) });
    let local = Endpoints::Local { address: None, port: 7 };
    assert_eq!(endpoints("-l 7"), local);
    assert_eq!(endpoints("-l -p 7"), local);
    assert_eq!(endpoints("-l 10.0.0.1 7"), Endpoints::Local { address: Some(target), port: 7 });
    assert_eq!(endpoints("-z 10.0.0.1 7"), Endpoints::Scan { target, ports: 7..=7, source_port: None });
    assert_eq!(
        endpoints("-z 10.0.0.1 7-65535"),
        Endpoints::Scan { target, ports: 7..=65_535, source_port: None }
    );
}

#[test]
fn invalid_words_are_reported_with_hint() {
    for (words, expected) in [
        ("", "missing address and port of the peer\nhint: use e.g. `10.0.0.1 7`"),
        ("10.0.0.1", "missing port number\nhint: use e.g. `10.0.0.1 7`"),
        ("-l", "missing port number\nhint: use e.g. `-l 5000`"),
        ("-l -p 5 7", "two local ports: -p and the last argument\nhint: omit -p"),
        ("10.0.0.1 0", "invalid port `0`: expected a whole number from 1 to 65535"),
        (
            "10.0.0.1 7-9",
            "invalid port `7-9`: expected a whole number from 1 to 65535\nhint: test a range of ports with -z",
        ),
        ("-z 10.0.0.1 9-7", "invalid port `9-7`: 9 is greater than 7\nhint: use 7-9"),
        ("example.org 7", "invalid address `example.org`: expected an IPv4 address\nhint: use e.g. 10.0.0.1"),
        (
            "--pcap - 10.0.0.1 7",
            "cannot write the capture to standard output: nc writes received data there\nhint: capture to a file with `--pcap FILE`",
        ),
    ] {
        assert_eq!(error(words), expected, "{words}");
    }
}

#[test]
fn letters_without_meaning_are_refused() {
    let is_accepted = |words: &str| {
        let line = ["nc", "--tap", "t0", "-s", "10.0.0.2/24"].into_iter().chain(words.split_whitespace());
        Line::try_parse_from(line).is_ok()
    };
    for words in [
        "-u -z -l 7",
        "-k 10.0.0.1 7",
        "-w 1 -l 7",
        "-z -q 1 10.0.0.1 7",
        "-d -C 10.0.0.1 7",
        "-u -N 10.0.0.1 7",
        "-z -N 10.0.0.1 7",
        "-b 10.0.0.1 7",
        "-W 1 10.0.0.1 7",
        "-m 1 10.0.0.1 7",
    ] {
        assert!(!is_accepted(words), "{words} was accepted");
    }
    for words in ["10.0.0.1 7", "-N 10.0.0.1 7", "-k -l 7", "-u -b -W 1 -m 1 10.0.0.1 7", "-z 10.0.0.1 7-9"] {
        assert!(is_accepted(words), "{words} was not accepted");
    }
}

#[test]
fn quit_time_is_unlimited_when_negative() {
    assert_eq!(parse("10.0.0.1 7").quit, QuitTime(None));
    assert_eq!(quit_time("-2"), Ok(QuitTime(None)));
    assert_eq!(quit_time("0"), Ok(QuitTime(Some(Duration::ZERO))));
    assert_eq!(quit_time("1.5"), Ok(QuitTime(Some(Duration::from_millis(1_500)))));
    for text in ["", "x", "1e9", "nan"] {
        assert!(quit_time(text).is_err(), "{text}");
    }
}

#[test]
fn type_of_service_is_name_or_number() {
    for (text, number) in [
        ("af11", 0x28),
        ("af43", 0x98),
        ("cs0", 0),
        ("cs7", 0xe0),
        ("ef", 0xb8),
        ("lowdelay", 0x10),
        ("0xb8", 0xb8),
        ("255", 255),
    ] {
        assert_eq!(type_of_service(text), Ok(number), "{text}");
    }
    for text in ["", "af14", "af51", "af1", "cs8", "csx", "256", "0x100", "-1", "EF"] {
        assert!(type_of_service(text).is_err(), "{text}");
    }
}
