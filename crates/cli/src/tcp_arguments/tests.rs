use clap::{Args, Parser};
use host::TcpSettings;

use super::*;
use crate::host_command::arguments::HostArguments;
use crate::nc::arguments::NcArguments;

#[derive(Debug, Parser)]
struct Line<T: Args> {
    #[command(flatten)]
    arguments: T,
}

fn parse<T: Args>(words: &str) -> Result<T, clap::Error> {
    Line::try_parse_from(words.split_whitespace()).map(|line: Line<T>| line.arguments)
}

#[test]
fn options_select_settings_of_connections() {
    let settings = |words: &str| {
        let nc: NcArguments = parse(&format!("nc --tap t0 -s 10.0.0.2/24 {words} 10.0.0.1 7")).unwrap();
        tcp_settings(nc.congestion, nc.ecn, nc.pacing)
    };
    let default = TcpSettings::default();
    assert_eq!(settings(""), default);
    for (name, congestion) in [("reno", CongestionControl::NewReno), ("none", CongestionControl::None)] {
        let words = format!("--congestion {name}");
        assert_eq!(settings(&words), TcpSettings { congestion, ..default });
    }
    assert_eq!(settings("--congestion cubic --ecn ask"), TcpSettings { ecn: Ecn::Ask, ..default });
    assert_eq!(settings("--ecn off --pacing"), TcpSettings { ecn: Ecn::Off, pacing: true, ..default });
}

#[test]
fn options_need_tcp_connections() {
    for option in ["--congestion cubic", "--ecn accept", "--pacing"] {
        let nc = parse::<NcArguments>(&format!("nc -u --tap t0 -s 10.0.0.2/24 {option} 10.0.0.1 7"));
        assert!(nc.is_err(), "nc -u accepts {option}");
    }
    let host = "host --tap t0 --address 10.0.0.2/24";
    assert!(parse::<HostArguments>(host).is_ok(), "a default needs --serve");
    for option in ["--congestion reno", "--no-ecn", "--pacing"] {
        assert!(parse::<HostArguments>(&format!("{host} {option}")).is_err(), "host accepts {option}");
        assert!(parse::<HostArguments>(&format!("{host} --serve echo {option}")).is_ok());
    }
}
