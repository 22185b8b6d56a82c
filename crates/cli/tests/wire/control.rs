//! The control socket of a running host: `tapstack ip`, and clients that misbehave.

use std::error::Error;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use tap::linux::{Interface, PacketSocket};

use super::host::MAC;
use super::running::{PersistentTapGuard, Running};
use testbed::frames::{arp, is_arp, receive, send, wait_until_answering};
use testbed::installed::installed;
use testbed::program::{command, exit_and_text, run};
use testbed::schema::check_lines;
use testbed::veth::{NEAR, NEAR_KERNEL, Veth};
use testbed::{Case, TestResult, UNPRIVILEGED_UID, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("ip_neigh_shows_and_changes_neighbors_of_host", neighbors),
    ("ip_neigh_prints_lines_of_iproute2", lines_of_iproute2),
    ("ip_addr_adds_and_deletes_addresses_of_host", addresses),
    ("ip_addr_probes_for_added_address_when_host_probes", probed_address),
    ("ip_addr_shows_and_deletes_address_of_range", address_of_range),
    ("ip_selects_interface_of_vlan_by_name", vlans),
    ("ip_addr_adds_address_on_interface_shared_with_kernel", shared_interface),
    ("host_must_be_selected_when_several_run", several_hosts),
    ("host_runs_without_control_socket_when_name_is_in_use", name_in_use),
    ("host_refuses_requests_of_other_user", other_user),
    ("client_refuses_socket_of_other_user", socket_of_other_user),
    ("host_refuses_malformed_requests", malformed_requests),
    ("host_serves_other_clients_when_clients_read_no_replies", unread_replies),
    ("host_answers_arp_while_many_neighbors_are_listed", many_neighbors),
    ("ip_exits_2_with_message_when_command_line_is_invalid", invalid_command_lines),
];

const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];
const BROADCAST: [u8; 6] = [0xff; 6];
const EPERM: i32 = 1;
const EINVAL: i32 = 22;

/// Runs `tapstack ip` with these arguments. Returns its exit code, standard output and standard error.
fn ip(arguments: &str) -> Result<(Option<i32>, String, String), Box<dyn Error>> {
    let words: Vec<_> = std::iter::once("ip").chain(arguments.split_whitespace()).collect();
    Ok(exit_and_text(&run(&words)?))
}

/// Runs `tapstack ip`, which must succeed. Returns its standard output.
fn ip_output(arguments: &str) -> Result<String, Box<dyn Error>> {
    let (code, out, errors) = ip(arguments)?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "ip {arguments}");
    Ok(out)
}

/// Asserts that `tapstack ip` ends with this exit code and this message.
fn assert_refused(arguments: &str, code: i32, message: &str) -> TestResult {
    let (found, out, errors) = ip(arguments)?;
    assert_eq!((found, out.as_str()), (Some(code), ""), "ip {arguments}: {errors}");
    assert_eq!(errors.trim_end(), format!("tapstack: {message}"), "ip {arguments}");
    Ok(())
}

fn socket_on(name: &str) -> Result<PacketSocket, Box<dyn Error>> {
    Ok(PacketSocket::open(Interface::named(&name.parse()?)?.name())?)
}

/// Asserts that a host answers ARP requests for an address from this MAC address.
fn assert_answers(socket: &mut PacketSocket, mac: [u8; 6], address: Ipv4Addr) -> TestResult {
    send(socket, &arp(BROADCAST, 1, (PEER_MAC, PEER), ([0; 6], address)))?;
    let reply = receive(socket, |bytes| is_arp(2)(bytes) && bytes.get(28..32) == Some(&address.octets()))?;
    assert_eq!(reply, arp(PEER_MAC, 2, (mac, address), (PEER_MAC, PEER)));
    Ok(())
}

/// Starts a host at 10.0.0.2 on a TAP with the kernel at 10.0.0.1.
pub(super) fn start(name: &str, more: &[&str]) -> Result<(Running, PacketSocket), Box<dyn Error>> {
    let arguments = ["--tap", name, "--address", "10.0.0.2/24", "--mac", MAC, "--kernel", "10.0.0.1/24"];
    let host = Running::start(&[&arguments[..], more].concat())?;
    let mut socket = socket_on(name)?;
    wait_until_answering(&mut socket, [10, 0, 0, 2].into())?;
    Ok((host, socket))
}

fn neighbors() -> TestResult {
    let (host, mut socket) = start("neigh0", &[])?;
    assert_answers(&mut socket, [2, 0, 0, 0, 0, 2], [10, 0, 0, 2].into())?;
    assert_eq!(ip_output("neigh")?, "10.0.0.7 dev neigh0 lladdr 02:00:00:00:00:07 STALE\n");
    ip_output("neigh add 10.0.0.9 lladdr 02:00:00:00:00:09 dev neigh0")?;
    assert_refused(
        "neigh add 10.0.0.9 lladdr 02:00:00:00:00:08",
        1,
        "cannot add 10.0.0.9: the entry already exists\nhint: use `replace` to change the entry",
    )?;
    assert_eq!(
        ip_output("neigh show nud permanent dev neigh0")?,
        "10.0.0.9 lladdr 02:00:00:00:00:09 PERMANENT\n",
        "a refused entry was added"
    );
    ip_output("neigh replace 10.0.0.9 lladdr 02:00:00:00:00:08")?;
    ip_output("neigh replace 10.0.0.7 lladdr 02:00:00:00:00:07 nud permanent")?;
    let json = ip_output("neigh show 10.0.0.8/30 --json")?;
    check_lines("ip_neigh", &json);
    let expected = "{\"schema\":1,\"interface\":\"neigh0\",\"vlan\":null,\"ip\":\"10.0.0.9\",\
                    \"mac\":\"02:00:00:00:00:08\",\"state\":\"PERMANENT\"}\n";
    assert_eq!(json, expected);
    for (address, why) in [
        ("10.0.0.2", "the IP address is local"),
        ("10.0.0.255", "the IP address is not that of a host"),
        ("224.0.0.1", "the IP address is not that of a host"),
    ] {
        let message = format!("cannot add {address}: {why}");
        assert_refused(&format!("neigh add {address} lladdr 02:00:00:00:00:09"), 2, &message)?;
    }
    let message = "cannot add 10.0.0.8: the MAC address is a group address, zero, or local";
    assert_refused(&format!("neigh add 10.0.0.8 lladdr {MAC}"), 2, message)?;

    // A packet for the entry goes to its MAC address: the reply to a UDP datagram of a station at 10.0.0.9.
    ip_output("neigh flush all")?;
    assert_eq!(ip_output("neigh")?.lines().count(), 2, "static entries were deleted");
    ip_output("neigh del 10.0.0.7")?;
    assert_refused("neigh del 10.0.0.7", 1, "no entry for 10.0.0.7")?;
    ip_output("neigh flush 10.0.0.0/24 nud all")?;
    assert_eq!(ip_output("neigh")?, "");
    let (code, out, _) = host.stop()?;
    assert_eq!(code, Some(0));
    assert!(out.contains("  control: requests\n") && !out.contains("control: dropped"), "{out}");
    Ok(())
}

fn lines_of_iproute2() -> TestResult {
    let iproute2 = installed("ip")?;
    let (host, _socket) = start("lines0", &[])?;
    let kernel = |arguments: &str| -> Result<Vec<String>, Box<dyn Error>> {
        let output = Command::new(&iproute2).args(arguments.split(' ')).output()?;
        assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).lines().map(|line| line.trim_end().to_owned()).collect())
    };
    let lines = |text: String| text.lines().map(str::to_owned).collect::<Vec<_>>();
    let entry = "neigh replace 10.0.0.9 lladdr 02:00:00:00:00:09 dev lines0";
    kernel(entry)?;
    ip_output(entry)?;
    for shown in ["neigh show 10.0.0.9", "neigh show 10.0.0.9 dev lines0", "neigh show nud permanent"] {
        assert_eq!(lines(ip_output(shown)?), kernel(shown)?, "{shown}");
    }
    kernel("addr flush dev lines0")?;
    kernel("addr add 10.0.0.3/24 brd + dev lines0")?;
    ip_output("addr add 10.0.0.3/24")?;
    let of_kernel = kernel("-4 addr show dev lines0")?;
    let of_host = lines(ip_output("addr show dev lines0 to 10.0.0.3")?);
    assert_eq!(of_host[2..], of_kernel[1..], "the lines below `link/ether` differ");
    // The first line of the kernel has more words.
    let words = |line: &String| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let (host_words, kernel_words) = (words(&of_host[0]), words(&of_kernel[0]));
    assert_eq!(host_words[1..5], kernel_words[1..5], "interface, flags or MTU differ");
    assert!(of_host[0].ends_with(" state UP"), "{}", of_host[0]);
    host.stop()?;
    Ok(())
}

fn addresses() -> TestResult {
    let (host, mut socket) = start("addr0", &[])?;
    let shown = |last: u8| {
        format!(
            "    link/ether 02:00:00:00:00:{last:02x} brd ff:ff:ff:ff:ff:ff\n    \
             inet 10.0.0.{last}/24 brd 10.0.0.255 scope global addr0\n       \
             valid_lft forever preferred_lft forever\n"
        )
    };
    let first = "1: addr0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 state UP\n";
    assert_eq!(ip_output("addr")?, format!("{first}{}", shown(2)));
    ip_output("addr add 10.0.0.3/24")?;
    assert_eq!(ip_output("address show")?, format!("{first}{}{}", shown(2), shown(3)));
    assert_answers(&mut socket, [2, 0, 0, 0, 0, 3], [10, 0, 0, 3].into())?;
    assert_refused("addr add 10.0.0.3/24", 1, "cannot add 10.0.0.3/24: the address already exists")?;
    assert_refused(
        "addr add 10.0.0.255/24",
        2,
        "cannot add 10.0.0.255/24: 10.0.0.255 is the broadcast address of 10.0.0.0/24\n\
         hint: use the address of a host, e.g. 10.0.0.2/24",
    )?;
    let (code, _, errors) = ip(&format!("addr add 10.0.0.4/24 lladdr {MAC}"))?;
    assert!(code == Some(2) && errors.contains("shares IP or MAC addresses"), "{errors}");
    let kernel_mac =
        Interface::named(&"addr0".parse()?)?.mac_address()?.map(|byte| format!("{byte:02x}")).join(":");
    assert_refused(
        &format!("addr add 10.0.0.4/24 lladdr {kernel_mac}"),
        2,
        &format!("{kernel_mac} is the kernel's MAC address on addr0\nhint: use another MAC address"),
    )?;
    assert_eq!(ip_output("addr")?, format!("{first}{}{}", shown(2), shown(3)), "a refused address was added");

    let json = ip_output("addr --json")?;
    check_lines("ip_addr", &json);
    assert_eq!(json.lines().count(), 2);
    assert_refused(
        "addr del 10.0.0.3/16",
        1,
        "cannot delete 10.0.0.3/16: the host does not have this address\nhint: the host has 10.0.0.3/24",
    )?;
    ip_output("addr del 10.0.0.2/24")?;
    assert_refused("addr del 10.0.0.2", 1, "cannot delete 10.0.0.2: the host does not have this address")?;
    send(&mut socket, &arp(BROADCAST, 1, (PEER_MAC, PEER), ([0; 6], [10, 0, 0, 2].into())))?;
    assert_answers(&mut socket, [2, 0, 0, 0, 0, 3], [10, 0, 0, 3].into())?;
    // The kernel reaches the address with the given MAC address.
    ip_output("addr del 10.0.0.3")?;
    assert_eq!(ip_output("addr")?, first);
    ip_output("addr add local 10.0.0.9/24 lladdr 02:00:00:00:07:07 dev addr0")?;
    let kernel = UdpSocket::bind(("10.0.0.1", 0))?;
    kernel.set_read_timeout(Some(Duration::from_mins(1)))?;
    kernel.connect(("10.0.0.9", 9))?;
    kernel.send(b"hello")?;
    let refused = kernel.recv(&mut [0; 16]).err().map(|error| error.kind());
    assert_eq!(refused, Some(std::io::ErrorKind::ConnectionRefused));
    let (code, out, _) = host.stop()?;
    assert_eq!(code, Some(0), "{out}");
    Ok(())
}

// proves: address-added
fn probed_address() -> TestResult {
    let arguments = ["--tap", "probe0", "--address", "10.0.0.2/24", "--mac", MAC, "--kernel", "10.0.0.1/24"];
    let mut host = Running::begin(&arguments)?;
    while !host.line()?.starts_with("ready ") {}
    ip_output("addr add 10.0.0.3/24")?;
    let line = |state| format!("inet 10.0.0.3/24 brd 10.0.0.255 scope global{state} probe0");
    assert!(ip_output("addr")?.contains(&line(" tentative")));
    let json = ip_output("addr show to 10.0.0.3 --json")?;
    assert!(json.contains("\"state\":\"tentative\""), "{json}");
    while !host.line()?.starts_with("ready ") {}
    assert!(ip_output("addr")?.contains(&line("")));
    // The kernel has the address, so the probe finds a conflict.
    ip_output("addr add 10.0.0.1/24")?;
    while !host.line()?.contains("probe_conflict 10.0.0.1") {}
    assert_eq!(ip_output("addr show to 10.0.0.1")?, "");
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn address_of_range() -> TestResult {
    let host = Running::begin(&[
        "--tap",
        "many0",
        "--hosts",
        "10.1.0.0/16",
        "--mac-base",
        "02:11:00:00:00:00",
        "--kernel",
        "10.9.0.1/8",
    ])?;
    let lines = |text: String| text.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let whole = lines(ip_output("addr")?);
    assert_eq!(whole[1], "link/ether 02:11:00:00:00:00-02:11:00:00:ff:ff brd ff:ff:ff:ff:ff:ff");
    assert_eq!(whole[2], "inet 10.1.0.0-10.1.255.255 scope global many0");
    ip_output("addr del 10.1.0.5")?;
    let parts = lines(ip_output("addr")?);
    assert_eq!(parts[2], "inet 10.1.0.0-10.1.0.4 scope global many0");
    assert_eq!(parts[4], "link/ether 02:11:00:00:00:06-02:11:00:00:ff:ff brd ff:ff:ff:ff:ff:ff");
    let json = ip_output("addr --json")?;
    check_lines("ip_addr", &json);
    assert!(json.contains("\"ip\":\"10.1.0.6\",\"count\":65530"), "{json}");
    let mut socket = socket_on("many0")?;
    send(&mut socket, &arp(BROADCAST, 1, (PEER_MAC, PEER), ([0; 6], [10, 1, 0, 5].into())))?;
    assert_answers(&mut socket, [2, 0x11, 0, 0, 0, 6], [10, 1, 0, 6].into())?;
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn vlans() -> TestResult {
    let host = Running::begin(&[
        "--tap",
        "vlan0",
        "--hosts",
        "10.1.0.0/24@5",
        "--hosts",
        "10.1.0.0/24@6",
        "--kernel",
        "10.9.0.1/8",
    ])?;
    let out = ip_output("addr")?;
    assert!(
        out.starts_with("1: vlan0.5@vlan0: <BROADCAST,") && out.contains("\n2: vlan0.6@vlan0: <"),
        "{out}"
    );
    let out = ip_output("addr show vlan0.6")?;
    assert!(out.starts_with("2: vlan0.6@vlan0: ") && out.lines().count() == 4, "{out}");
    assert_refused(
        "neigh add 10.1.9.9 lladdr 02:00:00:00:00:09",
        2,
        "the host on vlan0 has several interfaces\nhint: add `dev NAME` with vlan0.5, vlan0.6",
    )?;
    assert_refused("neigh show dev vlan0", 2, "no interface vlan0\nhint: use vlan0.5, vlan0.6")?;
    ip_output("neigh add 10.1.9.9 lladdr 02:00:00:00:00:09 dev vlan0.6")?;
    assert_eq!(ip_output("neigh")?, "10.1.9.9 dev vlan0.6 lladdr 02:00:00:00:00:09 PERMANENT\n");
    assert_eq!(ip_output("neigh show dev vlan0.5")?, "");
    assert_refused("neigh del 10.1.9.9 dev vlan0.5", 1, "no entry for 10.1.9.9")?;
    assert!(ip_output("neigh --json")?.contains("\"vlan\":6"));
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

// proves: shared-receives, shared-ip
fn shared_interface() -> TestResult {
    let veth = Veth::new()?;
    let host = Running::start(&["-I", NEAR, "--address", "10.0.0.2/24", "--mac", MAC, "--json"])?;
    // The filter of the socket had only the MAC address of the first host.
    ip_output("addr add 10.0.0.9/24 lladdr 02:00:00:00:00:99")?;
    let mut far = veth.far_socket()?;
    let (mac, ip_address) = ([2, 0, 0, 0, 0, 0x99], Ipv4Addr::new(10, 0, 0, 9));
    send(&mut far, &arp(mac, 1, (PEER_MAC, PEER), ([0; 6], ip_address)))?;
    let reply = receive(&mut far, |bytes| is_arp(2)(bytes) && bytes.starts_with(&PEER_MAC))?;
    assert_eq!(reply, arp(PEER_MAC, 2, (mac, ip_address), (PEER_MAC, PEER)));
    assert_refused(
        &format!("addr add {NEAR_KERNEL}/24"),
        2,
        &format!("{NEAR_KERNEL} is already an address of this machine\nhint: use another address"),
    )?;
    // The filter of the socket no longer has the MAC address of the deleted host: the host does not receive the frame.
    ip_output("addr del 10.0.0.9/24")?;
    send(&mut far, &arp(mac, 1, (PEER_MAC, PEER), ([0; 6], ip_address)))?;
    assert_answers(&mut far, [2, 0, 0, 0, 0, 2], Ipv4Addr::new(10, 0, 0, 2))?;
    let (code, out, errors) = host.stop()?;
    assert_eq!(code, Some(0), "{errors}");
    assert!(!out.contains("\"destination_not_local\":1"), "the filter has the deleted address:\n{out}");
    Ok(())
}

fn several_hosts() -> TestResult {
    assert_refused(
        "neigh",
        2,
        "no host runs in this network namespace\n\
         hint: start a host, e.g. `tapstack host --tap tap0 --address 10.0.0.2/24`",
    )?;
    let (first, _socket) = start("one0", &[])?;
    let second = Running::start(&["--tap", "two0", "--address", "10.0.1.2/24"])?;
    assert_refused(
        "neigh",
        2,
        "several hosts run here: one0, two0\nhint: add the name of a host as the last argument: `-I one0`",
    )?;
    assert!(ip_output("addr -I one0")?.contains("10.0.0.2/24"));
    assert!(ip_output("addr show two0")?.contains("10.0.1.2/24"));
    assert_refused("neigh -I absent0", 2, "no host runs on absent0\nhint: hosts run on one0, two0")?;
    second.stop()?;
    assert!(ip_output("addr")?.contains("10.0.0.2/24"), "the host that is left was not selected");
    first.stop()?;
    Ok(())
}

fn control_address(interface: &str) -> std::io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("tapstack/{interface}"))
}

fn name_in_use() -> TestResult {
    let held = UnixDatagram::bind_addr(&control_address("held0")?)?;
    let (host, _socket) = start("held0", &[])?;
    drop(held);
    let (code, _, errors) = host.stop()?;
    assert_eq!(code, Some(0));
    assert_eq!(
        errors,
        "tapstack: no control socket for held0: name in use by another host\n\
         hint: `tapstack ip` and `tapstack ss` do not reach this host\n"
    );
    Ok(())
}

/// Runs the program as another user. Returns `None` if this process cannot change its user.
fn as_other_user(words: &[&str]) -> Result<Option<Output>, Box<dyn Error>> {
    match command(words).uid(UNPRIVILEGED_UID).gid(UNPRIVILEGED_UID).output() {
        Ok(output) => Ok(Some(output)),
        // The user namespace has one user.
        Err(error) if error.raw_os_error().is_some_and(|number| [EPERM, EINVAL].contains(&number)) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

fn other_user() -> TestResult {
    let (host, mut socket) = start("user1", &[])?;
    let Some(output) = as_other_user(&["ip", "neigh"])? else { return Ok(()) };
    let message = "tapstack: permission denied: the host belongs to root\n\
                   hint: run the command as this user or with sudo\n";
    assert_eq!(exit_and_text(&output), (Some(2), String::new(), message.to_owned()));
    let output = as_other_user(&["ip", "addr", "del", "10.0.0.2"])?.ok_or("no other user")?;
    assert_eq!(output.status.code(), Some(2));
    assert_answers(&mut socket, [2, 0, 0, 0, 0, 2], [10, 0, 0, 2].into())?;
    assert!(ip_output("addr")?.contains("10.0.0.2/24"));
    let (_, out, _) = host.stop()?;
    assert!(out.contains("2  control: dropped: requests of other users\n"), "{out}");
    Ok(())
}

fn socket_of_other_user() -> TestResult {
    // A program of another user has taken the name, and repeats each request.
    let python = installed("python3")?;
    let script = "import socket, os\n\
                  s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n\
                  s.bind('\\0tapstack/taken0')\n\
                  print('ready', flush=True)\n\
                  data, peer = s.recvfrom(65536)\n\
                  s.sendto(data, peer)\n";
    let spawned = Command::new(python)
        .args(["-c", script])
        .uid(UNPRIVILEGED_UID)
        .gid(UNPRIVILEGED_UID)
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else { return Ok(()) };
    let mut line = [0; 5];
    std::io::Read::read_exact(child.stdout.as_mut().ok_or("no pipe")?, &mut line)?;
    let (code, _, errors) = ip("neigh")?;
    child.wait()?;
    assert_eq!(code, Some(2));
    assert!(errors.starts_with("tapstack: the host on taken0 belongs to "), "{errors}");
    Ok(())
}

/// Sends a request to a host. Returns the reply.
fn reply_to(interface: &str, request: &[u8]) -> Result<String, Box<dyn Error>> {
    let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(format!("test-{interface}"))?)?;
    socket.set_read_timeout(Some(Duration::from_mins(1)))?;
    socket.send_to_addr(request, &control_address(interface)?)?;
    let mut buffer = vec![0; 1 << 17];
    let length = socket.recv(&mut buffer)?;
    Ok(String::from_utf8(buffer[..length].to_vec())?)
}

fn malformed_requests() -> TestResult {
    let (host, mut socket) = start("bad0", &[])?;
    let neighbors = r#"{"version":1,"id":7,"operation":{"neighbors":{"interface":0,"from":0}}}"#;
    let reply = reply_to("bad0", neighbors.as_bytes())?;
    assert!(reply.starts_with(r#"{"version":1,"id":7,"outcome":{"neighbors":{"rows":["#), "{reply}");
    let nested = "[".repeat(4_000);
    let long = format!("{neighbors}{}", " ".repeat(60_000));
    let unknown = neighbors.replace("\"from\":0", "\"from\":0,\"more\":1");
    let rows: [(&[u8], &str); 8] = [
        (b"", "malformed request"),
        (b"\xff\xfe\0", "malformed request"),
        (nested.as_bytes(), "malformed request"),
        (long.as_bytes(), "request longer than 4096 bytes"),
        (unknown.as_bytes(), "malformed request: unknown field `more`"),
        (br#"{"version":1,"id":7,"operation":{"destroy":{}}}"#, "malformed request: unknown variant"),
        (br#"{"version":2,"id":7}"#, "version 1 of the control protocol, not 2"),
        (br#"{"version":1,"id":7,"operation":{"neighbors":{"interface":9,"from":0}}}"#, "no interface 9"),
    ];
    for (request, message) in rows {
        let reply = reply_to("bad0", request)?;
        assert!(reply.contains("\"refused\"") && reply.contains(message), "{message}: {reply}");
    }
    // Pages beyond the end are empty.
    for list in ["interfaces\":{", "neighbors\":{\"interface\":0,", "addresses\":{\"interface\":0,"] {
        for from in [0xf000_0000, u64::from(u32::MAX), u64::MAX] {
            let request = format!("{{\"version\":1,\"id\":7,\"operation\":{{\"{list}\"from\":{from}}}}}}}");
            let reply = reply_to("bad0", request.as_bytes())?;
            assert!(reply.contains("\"rows\":[],\"next\":null"), "{request}: {reply}");
        }
    }
    // A client without a name gets no reply.
    let unnamed = UnixDatagram::unbound()?;
    unnamed.send_to_addr(neighbors.as_bytes(), &control_address("bad0")?)?;
    assert_answers(&mut socket, [2, 0, 0, 0, 0, 2], [10, 0, 0, 2].into())?;
    assert_eq!(reply_to("bad0", neighbors.as_bytes())?.lines().count(), 1);
    let (code, out, errors) = host.stop()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(out.contains("7  control: dropped: malformed requests\n"), "{out}");
    assert!(out.contains("1  control: dropped: replies not accepted by the client\n"), "{out}");
    Ok(())
}

fn unread_replies() -> TestResult {
    let (host, mut socket) = start("unread0", &[])?;
    let request = br#"{"version":1,"id":7,"operation":{"interfaces":{"from":0}}}"#;
    let to = control_address("unread0")?;
    let mut clients = Vec::new();
    for number in 0..64 {
        let name = SocketAddr::from_abstract_name(format!("unread-{number}"))?;
        let client = UnixDatagram::bind_addr(&name)?;
        client.set_write_timeout(Some(Duration::from_mins(1)))?;
        for _ in 0..32 {
            client.send_to_addr(request, &to)?;
        }
        clients.push(client);
    }
    assert!(ip_output("addr")?.contains("10.0.0.2/24"));
    assert_answers(&mut socket, [2, 0, 0, 0, 0, 2], [10, 0, 0, 2].into())?;
    let (code, out, _) = host.stop()?;
    assert_eq!(code, Some(0));
    assert!(out.contains("  control: dropped: replies not accepted by the client\n"), "{out}");
    Ok(())
}

fn many_neighbors() -> TestResult {
    const STATIONS: u16 = 1_000;
    let host = Running::begin(&[
        "--tap",
        "full1",
        "--hosts",
        "10.1.0.0/16",
        "--mac-base",
        "02:11:00:00:00:00",
        "--kernel",
        "10.9.0.1/8",
        "-q",
    ])?;
    let mut socket = socket_on("full1")?;
    wait_until_answering(&mut socket, [10, 1, 0, 0].into())?;
    let station = |number: u16| {
        let [high, low] = number.to_be_bytes();
        ([2, 0x22, 0, 0, high, low], Ipv4Addr::new(10, 2, high, low))
    };
    let mut ask = |number: u16| -> TestResult {
        let target = Ipv4Addr::from(0x0a01_0000 + u32::from(number));
        send(&mut socket, &arp(BROADCAST, 1, station(number), ([0; 6], target)))?;
        receive(&mut socket, |bytes| is_arp(2)(bytes) && bytes.starts_with(&station(number).0))?;
        Ok(())
    };
    for number in 0..STATIONS {
        ask(number)?;
    }
    let out = wait_for("all entries", || ip_output("neigh").ok().filter(|out| out.lines().count() >= 1_000))?;
    let expected: Vec<_> = (0..STATIONS).map(|number| station(number).1.to_string()).collect();
    let listed: Vec<_> = out.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(listed, expected, "the list is not complete and sorted");
    // Requests are answered while clients list the table.
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(command(&["ip", "neigh"]).stdout(Stdio::piped()).spawn()?);
    }
    for number in 0..200 {
        ask(number)?;
    }
    for client in clients {
        let output = client.wait_with_output()?;
        assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), usize::from(STATIONS));
    }
    ip_output("neigh flush 10.2.0.0/16")?;
    assert_eq!(ip_output("neigh")?, "");
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn invalid_command_lines() -> TestResult {
    let rows = [
        ("neigh dev tap0", "unknown command 'dev'"),
        ("neigh flush", "missing arguments\nhint: add `all`, a network, `dev NAME` or `nud STATE`"),
        (
            "neigh add lladdr 02:00:00:00:00:01",
            "missing IP address\nhint: see `tapstack ip neigh add --help`",
        ),
        ("neigh add 10.0.0.1", "missing 'lladdr MAC'"),
        ("neigh add 10.0.0.1 lladdr x", "invalid value 'x' for 'lladdr': expected a MAC address"),
        (
            "neigh add 10.0.0.1 lladdr 02:00:00:00:00:01 nud stale",
            "invalid value 'stale' for 'nud': an entry",
        ),
        ("neigh show nud none", "invalid value 'none' for 'nud': unknown state"),
        ("neigh show dev", "missing value after 'dev'"),
        ("neigh show 10.0.0.0/33", "invalid value '10.0.0.0/33' for 'to': expected a prefix length"),
        ("addr add", "missing IP address\nhint: see `tapstack ip addr add --help`"),
        ("addr del 10.0.0.1 10.0.0.2", "unexpected argument '10.0.0.2': 'local' is '10.0.0.1'"),
        ("addr add 2001:db8::1/64", "invalid value '2001:db8::1/64' for 'local': IPv6 is not supported"),
        ("neigh --json flush all", "'--json' cannot be used before a command"),
    ];
    for (arguments, message) in rows {
        let (code, out, errors) = ip(arguments)?;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments}");
        assert!(errors.starts_with(&format!("tapstack: {message}")), "{arguments}: {errors}");
    }
    let _ = PersistentTapGuard::create_without_address("unused0")?;
    assert_refused(
        "neigh -I unused0",
        2,
        "no host runs on unused0\nhint: start a host, e.g. `tapstack host --tap tap0 --address 10.0.0.2/24`",
    )?;
    Ok(())
}
