//! Tests of `tapstack nc`.

use std::error::Error;
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use icmp::IcmpError;
use inet::IpProtocol;
use ipv4::Ipv4Fields;
use tap::linux::PacketSocket;
use testbed::frames::{send, wait_until_answering};
use testbed::installed::installed;
use testbed::program::{command, exit_and_text};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("nc_exchanges_datagrams_of_each_size_with_kernel", sizes),
    ("nc_exits_1_when_peer_refuses_datagrams", refused),
    ("nc_listens_for_first_peer_only", listen_for_one),
    ("nc_with_k_receives_from_all_peers", listen_for_all),
    ("nc_listens_after_datagrams_and_errors_of_unknown_senders", unknown_senders),
    ("nc_tests_ports", scan),
    ("nc_ends_after_time_or_number_of_datagrams", ends),
    ("nc_sets_fields_of_ip_header_and_line_ends", fields),
    ("nc_exchanges_data_with_netcat_openbsd", openbsd),
    ("nc_exchanges_data_with_socat", socat),
    ("nc_exits_2_with_message_for_invalid_arguments", invalid_arguments),
];

/// Arguments for a host on a new TAP, with the kernel at 10.0.0.1/24.
const NEAR: [&str; 8] = ["nc", "-u", "--tap", "nc0", "-s", "10.0.0.2/24", "--kernel", "10.0.0.1/24"];

/// Maximum time to wait for a datagram.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Starts the program with these arguments.
fn start(more: &[&str]) -> std::io::Result<Child> {
    let words = [&NEAR[..], more].concat();
    command(&words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

/// Runs the program with this standard input. Returns exit code, standard output and standard error.
fn nc(more: &[&str], input: &[u8]) -> Result<(Option<i32>, String, String), Box<dyn Error>> {
    Ok(exit_and_text(&end(start(more)?, input)?))
}

/// Writes standard input up to its end, and waits for the end of the program.
fn end(mut child: Child, input: &[u8]) -> std::io::Result<Output> {
    child.stdin.take().ok_or(std::io::ErrorKind::NotFound)?.write_all(input)?;
    child.wait_with_output()
}

/// Binds a socket of the kernel to all of its addresses, because the TAP does not exist yet.
fn kernel(port: u16) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(("0.0.0.0", port))?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    Ok(socket)
}

/// Returns the next datagram and its sender.
fn receive(socket: &UdpSocket) -> std::io::Result<(Vec<u8>, SocketAddr)> {
    let mut data = vec![0; 65_536];
    let (length, from) = socket.recv_from(&mut data)?;
    data.truncate(length);
    Ok((data, from))
}

fn sizes() -> TestResult {
    let socket = kernel(5_000)?;
    for (size, port) in [(1, 4_001), (1_472, 4_002), (1_473, 4_003), (16_384, 4_004)] {
        let input: Vec<u8> = (b'a'..=b'z').cycle().take(size).collect();
        let port = port.to_string();
        let child = start(&["-p", &port, "-q", "30", "-W", "2", "10.0.0.1", "5000"])?;
        let peer = std::thread::scope(|scope| -> Result<_, Box<dyn Error>> {
            let ended = scope.spawn(|| end(child, &input));
            let (data, from) = receive(&socket)?;
            assert!(data == input, "{size} bytes sent, {} other bytes received", data.len());
            // The reply of 65,507 bytes is the longest datagram. The datagram without data counts too.
            socket.send_to(&vec![b'x'; 65_507], from)?;
            socket.send_to(&[], from)?;
            let output = ended.join().map_err(|_| "the thread panicked")??;
            let (code, out, errors) = exit_and_text(&output);
            assert_eq!((code, errors.as_str()), (Some(0), ""), "{size}");
            assert!(out == "x".repeat(65_507), "{size}: {} bytes received", out.len());
            Ok(from)
        })?;
        assert_eq!(peer.to_string(), format!("10.0.0.2:{port}"));
    }
    Ok(())
}

fn refused() -> TestResult {
    let (code, out, errors) = nc(&["-q", "30", "10.0.0.1", "9"], b"hello\n")?;
    let message = "tapstack: datagram to 10.0.0.1:9: port unreachable (reported by 10.0.0.1)\n";
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(1), "", message));
    // An address without a host is reported, but the datagrams could arrive later.
    let (code, out, errors) = nc(&["-q", "0", "10.0.0.9", "9"], b"hello\n")?;
    let message = "tapstack: datagram to 10.0.0.9:9: host unreachable (reported by 10.0.0.2)\n";
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(0), "", message));
    Ok(())
}

/// Sends data from the kernel until the program replies. The program may not have opened the TAP yet.
fn send_until_answered(socket: &UdpSocket, data: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    wait_for("a reply of nc", || {
        // Without an interface, the kernel has no route.
        let _ = socket.send_to(data, "10.0.0.2:6000");
        receive(socket).ok().map(|(data, _)| data)
    })
}

fn listen_for_one() -> TestResult {
    let mut child = start(&["-l", "-v", "-q", "0", "6000"])?;
    child.stdin.as_mut().ok_or("no standard input")?.write_all(b"answer")?;
    let (first, second) = (kernel(0)?, kernel(0)?);
    assert_eq!(send_until_answered(&first, b"question")?, b"answer");
    // The socket is connected now: the kernel receives "port unreachable".
    second.connect("10.0.0.2:6000")?;
    second.send(b"other")?;
    let refused = second.recv(&mut [0; 8]).expect_err("a second peer should be refused");
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    let port = first.local_addr()?.port();
    let (code, out, errors) = exit_and_text(&end(child, b"")?);
    assert_eq!(code, Some(0));
    assert!(out.starts_with("question") && !out.contains("other"), "{out}");
    assert_eq!(errors, format!("Bound on 10.0.0.2 6000\nConnection received on 10.0.0.1 {port}\n"));
    Ok(())
}

/// Returns a frame with a datagram to the host, which has this MAC address.
fn frame_to_host(mac: [u8; 6], protocol: IpProtocol, source: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut datagram = [&[0; Ipv4Fields::LENGTH], payload].concat();
    let fields = Ipv4Fields::new(protocol, source.into(), [10, 0, 0, 2].into());
    fields.write_to(&mut datagram).expect("the length should be valid");
    [&mac[..], &[2, 0, 0, 0, 0, 7, 8, 0], &datagram].concat()
}

/// Returns a UDP datagram of 4 bytes to port 6000, without a checksum.
fn to_port_6000(source_port: u8) -> [u8; 12] {
    [0, source_port, 0x17, 0x70, 0, 12, 0, 0, b'd', b'a', b't', b'a']
}

/// A peer that cannot get a reply does not end `nc`, and neither does an error about a datagram that was never sent.
fn unknown_senders() -> TestResult {
    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
    let mut child = start(&["-l", "-q", "0", "--mac", "02:00:00:00:00:02", "6000"])?;
    child.stdin.as_mut().ok_or("no standard input")?.write_all(b"answer")?;
    let mut socket = wait_for("the TAP", || PacketSocket::open(&"nc0".parse().ok()?).ok())?;
    wait_until_answering(&mut socket, [10, 0, 0, 2].into())?;
    let mut quoted = frame_to_host(MAC, IpProtocol::UDP, [10, 0, 0, 1], &[0x17, 0x70, 0, 9, 0, 8, 0, 0]);
    // The quoted datagram is from the host to the kernel.
    quoted[26..34].rotate_left(4);
    let mut error = [0; IcmpError::MAX_LENGTH];
    let length = IcmpError::PORT_UNREACHABLE.write_to(&quoted[14..], &mut error)?;
    send(&mut socket, &frame_to_host(MAC, IpProtocol::ICMP, [10, 0, 0, 1], &error[..length]))?;
    send(&mut socket, &frame_to_host(MAC, IpProtocol::UDP, [10, 0, 0, 1], &to_port_6000(0)))?;
    send(&mut socket, &frame_to_host(MAC, IpProtocol::UDP, [192, 0, 2, 1], &to_port_6000(9)))?;
    assert_eq!(send_until_answered(&kernel(0)?, b"question")?, b"answer");
    let (code, out, errors) = exit_and_text(&end(child, b"")?);
    assert!(code == Some(0) && out.starts_with("datadataquestion"), "{code:?} {out} {errors}");
    assert!(errors.contains("cannot connect to 10.0.0.1:0: invalid port 0\n"), "{errors}");
    assert!(errors.contains("cannot connect to 192.0.2.1:9: no route to 192.0.2.1\n"), "{errors}");
    assert!(!errors.contains("unreachable"), "{errors}");
    Ok(())
}

fn listen_for_all() -> TestResult {
    let child = start(&["-l", "-k", "-W", "2", "10.0.0.2", "6000"])?;
    let (first, second) = (kernel(0)?, kernel(0)?);
    wait_for("an interface for 10.0.0.2", || first.connect("10.0.0.2:6000").ok())?;
    second.connect("10.0.0.2:6000")?;
    let ended = std::thread::scope(|scope| {
        let ended = scope.spawn(|| end(child, b"not read"));
        while !ended.is_finished() {
            let _ = first.send(b"1");
            let _ = second.send(b"2");
            std::thread::sleep(Duration::from_millis(20));
        }
        ended.join()
    });
    let (code, out, errors) = exit_and_text(&ended.map_err(|_| "the thread panicked")??);
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert!(["12", "21"].contains(&out.as_str()), "{out}");
    Ok(())
}

fn scan() -> TestResult {
    let _silent = kernel(5_001)?;
    let (code, out, errors) = nc(&["-z", "-v", "-w", "1.5", "10.0.0.1", "5000-5002"], b"")?;
    assert_eq!((code, out.as_str()), (Some(0), ""));
    let lines = "connect to 10.0.0.1 port 5000 (udp) failed: port unreachable\n\
                 Connection to 10.0.0.1 5001 port [udp/*] succeeded!\n\
                 connect to 10.0.0.1 port 5002 (udp) failed: port unreachable\n";
    assert_eq!(errors, lines);
    let (code, _, errors) = nc(&["-z", "10.0.0.1", "5002"], b"")?;
    assert_eq!((code, errors.as_str()), (Some(1), ""));
    // No station has this address, and the time is shorter than that of ARP.
    let (code, _, errors) = nc(&["-z", "-v", "-w", "0.5", "10.0.0.9", "5000"], b"")?;
    let line = "connect to 10.0.0.9 port 5000 (udp) failed: host unreachable\n";
    assert_eq!((code, errors.as_str()), (Some(1), line));
    Ok(())
}

fn ends() -> TestResult {
    let socket = kernel(5_000)?;
    let (code, out, _) = nc(&["-w", "0.2", "10.0.0.1", "5000"], b"1")?;
    assert_eq!((code, out.as_str()), (Some(0), ""));
    let (code, out, _) = nc(&["-d", "-w", "0.2", "10.0.0.1", "5000"], b"2")?;
    assert_eq!((code, out.as_str()), (Some(0), ""));
    let (code, _, _) = nc(&["-q", "0", "10.0.0.1", "5000"], b"3")?;
    assert_eq!(code, Some(0));
    assert_eq!((receive(&socket)?.0, receive(&socket)?.0), (b"1".to_vec(), b"3".to_vec()), "-d sent data");
    Ok(())
}

fn fields() -> TestResult {
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};
    use std::io::IoSliceMut;
    use std::os::fd::{AsFd, AsRawFd};
    let socket = kernel(5_000)?;
    setsockopt(&socket.as_fd(), sockopt::Ipv4RecvTtl, &true)?;
    setsockopt(&socket.as_fd(), sockopt::IpRecvTos, &true)?;
    let (code, _, errors) = nc(&["-M", "9", "-T", "ef", "-C", "-q", "0", "10.0.0.1", "5000"], b"a\nb\r\n")?;
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    let mut data = [0; 16];
    let mut parts = [IoSliceMut::new(&mut data)];
    let mut space = nix::cmsg_space!(i32, u8);
    let message = recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut parts, Some(&mut space), MsgFlags::empty())?;
    let length = message.bytes;
    let controls: Vec<_> = message.cmsgs()?.collect();
    assert!(controls.contains(&ControlMessageOwned::Ipv4Ttl(9)), "{controls:?}");
    assert!(controls.contains(&ControlMessageOwned::Ipv4Tos(0xb8)), "{controls:?}");
    assert_eq!(data[..length], *b"a\r\nb\r\n");
    Ok(())
}

fn openbsd() -> TestResult {
    let peer = installed("nc.openbsd")?;
    exchange(Command::new(peer).args(["-n", "-u", "-l", "5000"]))
}

fn socat() -> TestResult {
    exchange(Command::new(installed("socat")?).args(["-", "UDP4-LISTEN:5000"]))
}

/// Exchanges a line with another program, which listens on port 5000.
fn exchange(peer: &mut Command) -> TestResult {
    let mut peer = peer.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    peer.stdin.as_mut().ok_or("no standard input")?.write_all(b"answer\n")?;
    // The program binds its socket after its start. Until then, the kernel refuses datagrams.
    let answered = wait_for("an answer of the peer", || {
        let (code, out, _) = nc(&["-q", "1", "-W", "1", "10.0.0.1", "5000"], b"question\n").ok()?;
        (code == Some(0) && !out.is_empty()).then_some(out)
    });
    peer.kill()?;
    let output = peer.wait_with_output()?;
    assert_eq!(answered?, "answer\n");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "question\n");
    Ok(())
}

fn invalid_arguments() -> TestResult {
    for (words, message) in [
        (&["10.0.0.1"][..], "tapstack: missing port number\nhint: use e.g. `10.0.0.1 7`\n"),
        (
            &["10.0.1.1", "7"],
            "tapstack: cannot connect to 10.0.1.1:7: no route to 10.0.1.1\n\
             hint: add a route with --gateway or --route\n\
             hint: or use an address in the network of the peer with -s\n",
        ),
        (
            &["10.0.0.255", "7"],
            "tapstack: cannot connect to 10.0.0.255:7: broadcasts not enabled for the socket\n\
             hint: allow a broadcast address with -b\n",
        ),
        (&["-l", "10.0.0.3", "7"], "tapstack: cannot bind a UDP socket: address not available: 10.0.0.3\n"),
    ] {
        let (code, out, errors) = nc(words, b"")?;
        assert_eq!((code, out.as_str(), errors.as_str()), (Some(2), "", message), "{words:?}");
    }
    Ok(())
}
