use super::*;
use clap::Parser;

use crate::arguments::{Command, CommandLine};

fn row(addresses: &str, port: u16, peer: Option<&str>) -> SocketRow {
    SocketRow {
        id: "1.2".to_owned(),
        kind: SocketKindName::Udp,
        addresses: addresses.parse().unwrap(),
        port,
        peer: peer.map(|peer| peer.parse().unwrap()),
        broadcast: false,
        received_bytes: 0,
        sending_bytes: 0,
        dropped: 0,
        failures_lost: 0,
    }
}

fn rows() -> Vec<SocketRow> {
    let echo = SocketRow { kind: SocketKindName::IcmpEcho, ..row("0.0.0.0/0", 7, None) };
    let busy = SocketRow { received_bytes: 1_234_567, ..row("10.1.0.0/16", 19, None) };
    vec![row("127.0.0.1/32", 998, None), busy, row("10.0.0.2/32", 40_000, Some("10.0.0.1:7")), echo]
}

// The header and the first line are those of `ss -una` of iproute2 6.1, without the column of processes.
#[test]
fn lines_equal_those_of_ss() {
    let columns = Columns { has_kind: false, has_state: true };
    let lines = columns.lines(&rows()[..1], &BTreeMap::new());
    let expected = [
        "State  Recv-Q Send-Q Local Address:Port Peer Address:Port",
        "UNCONN 0      0          127.0.0.1:998       0.0.0.0:*",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn columns_fit_longest_text() {
    let names = BTreeMap::from([(7, "echo".to_owned()), (19, "chargen".to_owned())]);
    let expected = "\
Netid State  Recv-Q  Send-Q Local Address:Port    Peer Address:Port
udp   UNCONN 0       0          127.0.0.1:998          0.0.0.0:*
udp   UNCONN 1234567 0        10.1.0.0/16:chargen      0.0.0.0:*
udp   ESTAB  0       0           10.0.0.2:40000       10.0.0.1:echo
icmp  UNCONN 0       0            0.0.0.0:7            0.0.0.0:*";
    let columns = Columns { has_kind: true, has_state: true };
    assert_eq!(columns.lines(&rows(), &names).join("\n"), expected);
}

#[test]
fn options_select_sockets_by_state_and_kind() {
    for (options, ports) in [
        ("", &[40_000][..]),
        ("-u", &[40_000]),
        ("-a", &[998, 19, 40_000, 7]),
        ("-ua", &[998, 19, 40_000]),
        ("-l", &[998, 19, 7]),
        ("-lun", &[998, 19]),
    ] {
        let words = ["tapstack", "ss"].into_iter().chain(options.split_whitespace());
        let parsed = CommandLine::try_parse_from(words).unwrap().command;
        let Some(Command::Ss(arguments)) = parsed else { panic!("not ss: {parsed:?}") };
        let selected: Vec<_> =
            rows().iter().filter(|row| arguments.selects(row)).map(|row| row.port).collect();
        assert_eq!(selected, ports, "{options}");
    }
}

#[test]
fn services_have_first_name_of_udp_port() {
    let list = "# comment\necho 7/tcp\necho\t7/udp # x\nother 7/udp\nqotd 17/tcp quote\nbad x/udp\n\n";
    assert_eq!(services_in(list), BTreeMap::from([(7, "echo".to_owned())]));
}

#[test]
fn json_line_has_identifiers() {
    let line = serde_json::to_string(&SocketJson::new("tap0", &rows()[2])).unwrap();
    testbed::schema::check_lines("ss", &line);
    let expected = "{\"schema\":1,\"interface\":\"tap0\",\"socket\":\"1.2\",\"kind\":\"udp\",\"connected\":true,\
        \"local_ip\":\"10.0.0.2\",\"local_prefix_length\":32,\"local_port\":40000,\"peer_ip\":\"10.0.0.1\",\
        \"peer_port\":7,\"broadcast\":false,\"receive_queue_bytes\":0,\"send_queue_bytes\":0,\"dropped\":0,\
        \"failures_lost\":0}";
    assert_eq!(line, expected);
}
