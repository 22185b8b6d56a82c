use super::*;
use crate::control::message::BacklogRow;
use clap::Parser;

use crate::arguments::{Command, CommandLine};

fn row(addresses: &str, port: u16, peer: Option<&str>) -> SocketRow {
    SocketRow {
        id: Some("1.2".to_owned()),
        kind: SocketKindName::Udp,
        addresses: addresses.parse().unwrap(),
        port,
        peer: peer.map(|peer| peer.parse().unwrap()),
        broadcast: false,
        state: None,
        backlog: None,
        received_bytes: 0,
        sending_bytes: 0,
        dropped: 0,
        failures_lost: 0,
        details: None,
    }
}

fn rows() -> Vec<SocketRow> {
    let echo = SocketRow { kind: SocketKindName::IcmpEcho, ..row("0.0.0.0/0", 7, None) };
    let busy = SocketRow { received_bytes: 1_234_567, ..row("10.1.0.0/16", 19, None) };
    let listener = SocketRow {
        kind: SocketKindName::TcpListener,
        backlog: Some(BacklogRow { waiting: 1, limit: 4_096 }),
        ..row("0.0.0.0/0", 80, None)
    };
    let connection = SocketRow {
        kind: SocketKindName::Tcp,
        state: Some(ConnectionStateName::FinWait2),
        ..row("10.0.0.2/32", 80, Some("10.0.0.1:50000"))
    };
    let connected = row("10.0.0.2/32", 40_000, Some("10.0.0.1:7"));
    vec![row("127.0.0.1/32", 998, None), busy, connected, echo, listener, connection]
}

// The header and the first line are those of `ss -una` of iproute2 6.1, without the column of processes.
#[test]
fn lines_equal_those_of_ss() {
    let columns = Columns { has_kind: false, has_state: true };
    let lines = columns.lines(&rows()[..1], &PortNames::default());
    let expected = [
        "State  Recv-Q Send-Q Local Address:Port Peer Address:Port",
        "UNCONN 0      0          127.0.0.1:998       0.0.0.0:*",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn columns_fit_longest_text() {
    let names = PortNames::in_list("echo 7/udp\nchargen 19/udp\nhttp 80/tcp");
    let expected = "\
Netid State      Recv-Q  Send-Q Local Address:Port    Peer Address:Port
udp   UNCONN     0       0          127.0.0.1:998          0.0.0.0:*
udp   UNCONN     1234567 0        10.1.0.0/16:chargen      0.0.0.0:*
udp   ESTAB      0       0           10.0.0.2:40000       10.0.0.1:echo
icmp  UNCONN     0       0            0.0.0.0:7            0.0.0.0:*
tcp   LISTEN     1       4096         0.0.0.0:http         0.0.0.0:*
tcp   FIN-WAIT-2 0       0           10.0.0.2:http        10.0.0.1:50000";
    let columns = Columns { has_kind: true, has_state: true };
    assert_eq!(columns.lines(&rows(), &names).join("\n"), expected);
}

#[test]
fn options_select_sockets_by_state_and_kind() {
    for (options, ports) in [
        ("", &[40_000, 80][..]),
        ("-u", &[40_000]),
        ("-t", &[80]),
        ("-tu", &[40_000, 80]),
        ("-a", &[998, 19, 40_000, 7, 80, 80]),
        ("-ua", &[998, 19, 40_000]),
        ("-tna", &[80, 80]),
        ("-l", &[998, 19, 7, 80]),
        ("-lun", &[998, 19]),
        ("-lt", &[80]),
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
    assert_eq!(services_in(list, "/udp"), BTreeMap::from([(7, "echo".to_owned())]));
}

#[test]
fn json_line_has_identifiers() {
    let line = serde_json::to_string(&SocketJson::new("tap0", &rows()[2])).unwrap();
    testbed::schema::check_lines("ss", &line);
    let expected = "{\"schema\":1,\"interface\":\"tap0\",\"socket\":\"1.2\",\"kind\":\"udp\",\"connected\":true,\
        \"local_ip\":\"10.0.0.2\",\"local_prefix_length\":32,\"local_port\":40000,\"peer_ip\":\"10.0.0.1\",\
        \"peer_port\":7,\"state\":null,\"waiting_connections\":null,\"backlog\":null,\"broadcast\":false,\"receive_queue_bytes\":0,\"send_queue_bytes\":0,\"dropped\":0,\
        \"failures_lost\":0,\"details\":null}";
    assert_eq!(line, expected);
}

#[test]
fn json_line_of_listener_has_backlog() {
    let line = serde_json::to_string(&SocketJson::new("tap0", &rows()[4])).unwrap();
    testbed::schema::check_lines("ss", &line);
    let expected = "\"kind\":\"tcp_listener\",\"connected\":false";
    assert!(line.contains(expected), "{line}");
    assert!(line.contains("\"state\":null,\"waiting_connections\":1,\"backlog\":4096"), "{line}");
    let line = serde_json::to_string(&SocketJson::new("tap0", &rows()[5])).unwrap();
    testbed::schema::check_lines("ss", &line);
    assert!(line.contains("\"state\":\"fin_wait_2\""), "{line}");
}
