//! `-I`: hosts of tapstack on an interface shared with the kernel. The far end is in another network namespace.

use std::cell::Cell;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::Signal;
use tap::linux::{Interface, PacketSocket, Tap, kernel_neighbors};

use super::host::MAC;
use super::running::Running;
use testbed::frames::{arp, is_arp, receive, send, wait_until_answering};
use testbed::kernel::{add_address, create_bridge, delete_link, kernel_neighbor};
use testbed::program::{command, exit_and_text, run};
use testbed::veth::{FAR_KERNEL, NEAR, NEAR_KERNEL, Veth};
use testbed::{Case, TestResult, USER_TAP, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("host_on_interface_is_separate_from_kernel", separate_from_kernel),
    ("host_ignores_frames_addressed_to_kernel", frames_to_kernel),
    ("udp_reply_requires_valid_or_partial_checksum", udp_checksums),
    ("ping_on_interface_reaches_remote_kernel", ping_remote_kernel),
    ("host_on_interface_uses_vlan", in_vlan),
    ("range_of_hosts_answers_on_interface", range_of_hosts),
    ("host_survives_interface_down_and_ends_when_interface_is_deleted", down_up_and_deleted),
    ("frames_lost_in_flood_are_counted", flood),
    ("bridge_port_is_reported_at_start", bridge_port),
    ("host_exits_2_with_message_for_kernel_addresses", kernel_addresses),
    ("host_exits_2_with_message_for_unusable_interface", unusable_interface),
];

pub(crate) const UNPRIVILEGED: &[Case] =
    &[("host_on_interface_exits_2_without_privilege", without_privilege)];

const HOST_IP: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const PEER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];
const HOST: [&str; 6] = ["-I", NEAR, "--address", "10.0.0.2/24", "--mac", MAC];

/// Returns an ARP request of a peer at the far end.
fn request(target: Ipv4Addr) -> Vec<u8> {
    arp([0xff; 6], 1, (PEER_MAC, PEER), ([0; 6], target))
}

fn reply(mac: [u8; 6], ip: Ipv4Addr) -> Vec<u8> {
    arp(PEER_MAC, 2, (mac, ip), (PEER_MAC, PEER))
}

/// Sends a UDP datagram to a closed port, and returns the error that the kernel reports.
fn closed_port_error(socket: &UdpSocket, to: Ipv4Addr) -> std::io::Result<Option<ErrorKind>> {
    socket.set_read_timeout(Some(Duration::from_mins(1)))?;
    socket.connect((to, 9))?;
    socket.send(b"hello")?;
    Ok(socket.recv(&mut [0; 16]).err().map(|error| error.kind()))
}

fn separate_from_kernel() -> TestResult {
    let veth = Veth::new()?;
    let host = Running::start(&HOST)?;
    assert_eq!(host.first, format!("ready near0 {MAC} 10.0.0.2/24\n"));

    // The far kernel resolves the host and receives its port unreachable message.
    let far = veth.far_interface()?;
    let socket = veth.in_far_namespace(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))?;
    assert_eq!(closed_port_error(&socket, HOST_IP)?, Some(ErrorKind::ConnectionRefused));
    let entry =
        veth.in_far_namespace(|| kernel_neighbor(&far, HOST_IP).map_err(|error| error.to_string()))?;
    assert_eq!(entry.to_string(), "10.0.0.2 dev far0 lladdr 02:00:00:00:00:02 REACHABLE");
    // The near kernel still replies, and has no entry for the host.
    let socket = veth.in_far_namespace(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))?;
    assert_eq!(closed_port_error(&socket, NEAR_KERNEL)?, Some(ErrorKind::ConnectionRefused));
    let known = kernel_neighbors(&veth.near)?;
    assert!(known.iter().all(|entry| entry.address == FAR_KERNEL), "{known:?}");

    // The host and the kernel reply for their own addresses only.
    let near = veth.near.mac_address()?;
    let mut far = veth.far_socket()?;
    for target in [HOST_IP, NEAR_KERNEL, HOST_IP, NEAR_KERNEL] {
        send(&mut far, &request(target))?;
    }
    let mut replies = Vec::new();
    while replies.len() < 4 {
        replies.push(receive(&mut far, |bytes| is_arp(2)(bytes) && bytes.starts_with(&PEER_MAC))?);
    }
    replies.sort();
    let (of_host, of_kernel) = (reply(HOST_MAC, HOST_IP), reply(near, NEAR_KERNEL));
    let mut expected = vec![of_host.clone(), of_host, of_kernel.clone(), of_kernel];
    expected.sort();
    assert_eq!(replies, expected);
    assert_eq!(host.stop()?.0, Some(0));
    let rest = receive_all(&mut far)?;
    assert!(rest.iter().all(|bytes| !is_arp(2)(bytes)), "{rest:x?}");
    Ok(())
}

/// Returns all frames that a socket has received.
fn receive_all(socket: &mut PacketSocket) -> Result<Vec<Vec<u8>>, Box<dyn std::error::Error>> {
    use tap::{Batch, Device, Pool};
    let (mut pool, mut batch) = (Pool::new(1_500, 256), Batch::new(256));
    socket.receive(&mut pool, &mut batch)?;
    Ok(testbed::frames::frames(&batch))
}

// proves: shared-receives
fn frames_to_kernel() -> TestResult {
    let veth = Veth::new()?;
    let near = veth.near.mac_address()?;
    let mut far = veth.far_socket()?;
    let mut host = Running::start(&[&HOST[..], &["-v"]].concat())?;
    // Frames from the near kernel, to the near kernel, to another station, and finally to the host.
    UdpSocket::bind((NEAR_KERNEL, 0))?.send_to(b"hello", (FAR_KERNEL, 9))?;
    wait_for("datagram of the near kernel", || {
        receive_all(&mut far).ok()?.iter().any(|bytes| bytes.get(12..14) == Some(&[8, 0])).then_some(())
    })?;
    for destination in [near, PEER_MAC] {
        send(&mut far, &[&destination[..], &PEER_MAC, &[8, 0], &[0x45; 46]].concat())?;
    }
    send(&mut far, &arp(HOST_MAC, 1, (PEER_MAC, PEER), ([0; 6], HOST_IP)))?;
    let mut lines = String::new();
    while !lines.contains("Reply 10.0.0.2 is-at") {
        lines += &host.line()?;
    }
    let received: Vec<_> = lines.lines().filter(|line| line.contains(" In  ")).collect();
    // The host receives only the frame that is addressed to it.
    assert_eq!(received.len(), 1, "{lines}");
    let (_, out, _) = host.stop()?;
    assert!(out.contains("         1  tap: received\n"), "{out}");
    Ok(())
}

/// Returns a frame with a UDP datagram of the peer to a closed port of the host.
fn udp(checksum: [u8; 2]) -> Vec<u8> {
    let header = [0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0x66, 0xc4, 10, 0, 0, 7, 10, 0, 0, 2];
    let data = [&[0x30, 0x39, 0, 9, 0, 12][..], &checksum, b"data"].concat();
    [&HOST_MAC[..], &PEER_MAC, &[8, 0], &header, &data].concat()
}

// proves: rfc1122-udp-checksum, rfc768-no-checksum, partial-checksum
fn udp_checksums() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let host = Running::start(&HOST)?;
    // The far kernel leaves the checksum to hardware offload, and a veth interface does not compute it.
    let socket = veth.in_far_namespace(|| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)))?;
    assert_eq!(closed_port_error(&socket, HOST_IP)?, Some(ErrorKind::ConnectionRefused));
    let is_reply = |bytes: &[u8]| is_arp(2)(bytes) && bytes.starts_with(&PEER_MAC);
    send(&mut far, &request(HOST_IP))?;
    receive(&mut far, is_reply)?;
    let is_port_unreachable = |bytes: &[u8]| {
        bytes.starts_with(&PEER_MAC)
            && bytes.get(12..14) == Some(&[8, 0])
            && bytes.get(34..36) == Some(&[3, 3])
    };
    for (checksum, errors) in [([0, 0], 1), ([0xe2, 0xc8], 1), ([0xe2, 0xc9], 0), ([0xff, 0xff], 0)] {
        send(&mut far, &udp(checksum))?;
        // The reply to this request is sent after any ICMP error.
        send(&mut far, &arp(HOST_MAC, 1, (PEER_MAC, PEER), ([0; 6], HOST_IP)))?;
        let received = Cell::new(0);
        receive(&mut far, |bytes| {
            received.set(received.get() + usize::from(is_port_unreachable(bytes)));
            is_reply(bytes)
        })?;
        assert_eq!(received.get(), errors, "{checksum:x?}");
    }
    let (_, out, _) = host.stop()?;
    assert!(out.contains("         2  udp: dropped: UDP checksum is wrong\n"), "{out}");
    Ok(())
}

fn ping_remote_kernel() -> TestResult {
    let _veth = Veth::new()?;
    let near = ["ping", "-I", NEAR, "--address", "10.0.0.2/24", "-c", "3", "-i", "0.3"];
    for size in ["56", "8000"] {
        let (code, out, errors) = exit_and_text(&run(&[&near[..], &["-s", size, "10.0.0.9"]].concat())?);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
        assert!(out.contains("\n3 packets transmitted, 3 received, 0% packet loss, time "), "{out}");
    }
    // Ping again with a capture.
    let mut ping = command(&[&near[..], &["--pcap", "-", "10.0.0.9"]].concat());
    let mut ping = ping.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let capture = ping.stdout.take().ok_or("standard output is not a pipe")?;
    let (code, lines, errors) = exit_and_text(&command(&["decode", "-v", "-"]).stdin(capture).output()?);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{lines}");
    assert_eq!(lines.matches("ICMP echo request").count(), 3, "{lines}");
    assert_eq!(lines.matches("ICMP echo reply").count(), 3, "{lines}");
    assert!(lines.contains("[comment: resolved"), "{lines}");
    assert_eq!(ping.wait()?.code(), Some(0));
    Ok(())
}

fn in_vlan() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let host = Running::start(&[&HOST[..], &["--vlan", "5"]].concat())?;
    let tagged = |frame: Vec<u8>| [&frame[..12], &[0x81, 0, 0, 5], &frame[12..]].concat();
    send(&mut far, &request(HOST_IP))?;
    send(&mut far, &tagged(request(HOST_IP)))?;
    let answer = receive(&mut far, |bytes| bytes.starts_with(&PEER_MAC))?;
    assert_eq!(answer, tagged(reply(HOST_MAC, HOST_IP)));
    let (_, out, _) = host.stop()?;
    assert!(out.contains("         1  link: dropped: another VLAN"), "{out}");
    Ok(())
}

fn range_of_hosts() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let ranges = ["--hosts", "10.0.1.0/24", "--hosts", "10.0.2.0/30", "--mac-base", "02:22:00:00:ff:f0"];
    let host = Running::begin(&[&["-I", NEAR][..], &ranges].concat())?;
    for (place, address) in
        [(0, [10, 0, 1, 0]), (255, [10, 0, 1, 255]), (256, [10, 0, 2, 0]), (259, [10, 0, 2, 3])]
    {
        let [.., c, d] = (0xfff0_u32 + place).to_be_bytes();
        let mac = [2, 0x22, 0, u8::from(place >= 16), c, d];
        for destination in [[0xff; 6], mac] {
            send(&mut far, &arp(destination, 1, (PEER_MAC, PEER), ([0; 6], address.into())))?;
            assert_eq!(receive(&mut far, is_arp(2))?, reply(mac, address.into()));
        }
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

// proves: shared-gone
fn down_up_and_deleted() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let mut host = Running::start(&HOST)?;
    veth.near.set_up(false)?;
    std::thread::sleep(Duration::from_millis(50));
    veth.near.set_up(true)?;
    wait_until_answering(&mut far, HOST_IP)?;
    send(&mut far, &request(HOST_IP))?;
    assert_eq!(receive(&mut far, is_arp(2))?, reply(HOST_MAC, HOST_IP));
    delete_link(&veth.near)?;
    wait_for("end of the host", || host.has_ended().then_some(()))?;
    let (code, out, errors) = host.end()?;
    assert_eq!(code, Some(2), "{out}");
    assert_eq!(errors, "tapstack: near0: the device was deleted while in use\n");
    assert!(out.contains("  tap: dropped: read failed\n"), "{out}");
    Ok(())
}

// proves: shared-lost
fn flood() -> TestResult {
    let veth = Veth::new()?;
    let mut far = veth.far_socket()?;
    let host = Running::start(&[&HOST[..], &["-q"]].concat())?;
    host.signal(Signal::SIGSTOP)?;
    for _ in 0..6_000 {
        send(&mut far, &arp([0xff; 6], 1, (PEER_MAC, PEER), ([0; 6], FAR_KERNEL)))?;
    }
    host.signal(Signal::SIGCONT)?;
    wait_for("reply of the host after the flood", || {
        send(&mut far, &request(HOST_IP)).ok()?;
        receive_all(&mut far).ok()?.iter().any(|bytes| is_arp(2)(bytes)).then_some(())
    })?;
    let (_, out, _) = host.stop()?;
    let lost = out.lines().find(|line| line.contains("  tap: dropped: kernel receive queue full"));
    let lost: u32 = lost.and_then(|line| line.split_whitespace().next()).ok_or(out.clone())?.parse()?;
    assert!((1..6_000).contains(&lost), "{out}");
    Ok(())
}

// proves: shared-mac, shared-ip, shared-kernel
fn bridge_port() -> TestResult {
    let veth = Veth::new()?;
    create_bridge("br0", &[&veth.near])?;
    let warning = "tapstack: near0 is a port of bridge br0: hosts on other ports of the bridge are unreachable\nhint: use `-I br0` to reach all ports\n";
    let host = Running::start(&HOST)?;
    let (code, _, errors) = host.stop()?;
    assert_eq!((code, errors.as_str()), (Some(0), warning));
    let (_, _, errors) = exit_and_text(&run(&["scan", "-I", NEAR, "-s", "10.0.0.9", "-x", "10.0.0.8"])?);
    assert!(errors.starts_with(warning), "{errors}");
    let host = Running::start(&["-I", "br0", "--address", "10.0.0.2/24"])?;
    assert_eq!(host.stop()?.2, "");
    delete_link(&Interface::named(&"br0".parse()?)?)
}

fn kernel_addresses() -> TestResult {
    let veth = Veth::new()?;
    add_address(&veth.near, "192.0.2.1/24".parse()?)?;
    let kernel_mac: Vec<_> = veth.near.mac_address()?.iter().map(|byte| format!("{byte:02x}")).collect();
    let kernel_mac = kernel_mac.join(":");
    let host = |words: &[&'static str]| [&["host", "-I", NEAR][..], words].concat();
    let address = |address| host(&["--address", address]);
    let ping = |target| vec!["ping", "-I", NEAR, "--address", "10.0.0.2/24", target];
    let host_address = ["--address", "10.0.0.2/24"];
    let cases: [(Vec<&str>, &str); 12] = [
        (
            [&host(&host_address)[..], &["--mac", &kernel_mac]].concat(),
            "is the kernel's MAC address on near0",
        ),
        (
            [&host(&["--hosts", "10.0.1.0/24", "--mac-base"])[..], &[&kernel_mac]].concat(),
            "another MAC address",
        ),
        (address("10.0.0.1/24"), "10.0.0.1 is already an address of this machine\nhint: use another address"),
        (address("192.0.2.1/24"), "192.0.2.1 is already an address of this machine"),
        (address("127.0.0.1/8"), "127.0.0.1"),
        (
            host(&["--hosts", "192.0.2.0-9"]),
            "192.0.2.1 in --hosts 192.0.2.0-9 is also an address of this machine\nhint: use a range without this address",
        ),
        (
            [&address("10.0.0.2/24")[..], &["--proxy", "192.0.2.0/25"]].concat(),
            "use a range other than 192.0.2.0/25",
        ),
        (
            [&address("10.0.0.2/24")[..], &["--gateway", "10.0.0.1"]].concat(),
            "its kernel does not receive frames sent on near0",
        ),
        (
            ping("10.0.0.1"),
            "10.0.0.1 is an address of this machine, and its kernel does not receive frames sent on near0",
        ),
        ([&address("10.0.0.2/24")[..], &["--kernel", "10.0.0.1/24"]].concat(), "cannot be used with"),
        ([&address("10.0.0.2/24")[..], &["--io", "ring"]].concat(), "omit --io, or use --tap"),
        ([&address("10.0.0.2/24")[..], &["--tap", "tap0"]].concat(), "cannot be used with"),
    ];
    for (words, part) in cases {
        check_rejected(&words, part)?;
    }
    Ok(())
}

/// Checks that a command exits with 2 and prints only an error that contains `part`.
fn check_rejected(words: &[&str], part: &str) -> TestResult {
    let mut running = Running::command(words)?;
    assert_eq!(running.first, "", "{words:?}");
    wait_for("end of the command", || running.has_ended().then_some(()))?;
    let (code, _, errors) = running.end()?;
    assert_eq!(code, Some(2), "{words:?}: {errors}");
    assert!(errors.contains(part), "{words:?}: {errors}");
    Ok(())
}

fn unusable_interface() -> TestResult {
    let veth = Veth::new()?;
    let far = veth.far_interface()?;
    let check = |name: &str, part: &str| -> TestResult {
        let commands = [&["host"][..], &["ping", "10.0.0.9"]];
        // Each command waits for a carrier, so only one command is tested to save time.
        let count = if part.contains("carrier") { 1 } else { 2 };
        for words in &commands[..count] {
            check_rejected(&[*words, &["-I", name, "--address", "10.0.0.2/24"]].concat(), part)?;
        }
        Ok(())
    };
    check("absent0", "interface absent0 does not exist")?;
    check("lo", "lo does not carry Ethernet frames")?;
    far.set_up(false)?;
    check(NEAR, "near0 has no carrier")?;
    veth.near.set_up(false)?;
    check(NEAR, "near0 is down\nhint: bring up the interface: `sudo ip link set near0 up`")?;
    // A TAP that is down is also rejected.
    let tap = Tap::open("tap%d")?;
    check(tap.interface().name().as_str(), "is down\nhint: bring up the interface")
}

fn without_privilege() -> TestResult {
    for words in [&["host"][..], &["ping", "10.0.0.1"]] {
        let part = "CAP_NET_RAW is required\nhint: run the command as root: `sudo /";
        check_rejected(&[words, &["-I", USER_TAP, "--address", "10.0.0.2/24"]].concat(), part)?;
    }
    Ok(())
}
