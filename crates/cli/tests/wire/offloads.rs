//! TCP and UDP services on a TAP with each I/O method, and with offloads under hard conditions.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::{Child, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use tap::Device;
use tap::linux::{Interface, Io, Tap};

use super::running::Running;
use testbed::kernel::add_route_with_mtu;
use testbed::program::command;
use testbed::{Case, TestResult, WireRefused, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("streams_of_100_mb_are_intact_in_both_directions_with_offloads", long_streams),
    ("streams_are_intact_with_each_io_method", streams_by_each_method),
    ("offloads_move_several_segments_per_frame", several_segments_per_frame),
    ("datagrams_and_bursts_are_intact_with_each_io_method", datagrams),
    ("offloads_move_several_datagrams_per_system_call", several_datagrams_per_call),
    ("streams_are_intact_with_small_path_mtu", small_path_mtu),
    ("streams_are_intact_when_mtu_changes", changing_mtu),
    ("hosts_of_range_move_streams_at_once", streams_of_range),
    ("many_connections_move_streams_at_once", many_streams),
    ("nc_moves_streams_in_both_directions", nc_in_both_roles),
];

const HOST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);
/// Maximum data of a segment on an MTU of 1,500 bytes, with timestamps.
const SEGMENT: u64 = 1_448;

/// Pseudorandom data without end, which repeats after a prime number of bytes. A byte at a wrong position differs.
pub(crate) struct Pattern(Vec<u8>);

impl Pattern {
    const PERIOD: usize = 1_000_003;

    pub(crate) fn new() -> Pattern {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(0x0019_660d).wrapping_add(0x3c6e_f35f);
            state.to_be_bytes()[0]
        };
        Pattern((0..Self::PERIOD).map(|_| next()).collect())
    }

    /// Returns up to `length` bytes from this position.
    fn at(&self, position: usize, length: usize) -> &[u8] {
        let rest = &self.0[position % Self::PERIOD..];
        &rest[..rest.len().min(length)]
    }

    /// Writes the first `length` bytes.
    pub(crate) fn write(&self, mut to: impl Write, length: usize) -> io::Result<()> {
        let mut written = 0;
        while written < length {
            let part = self.at(written, (length - written).min(100_000));
            to.write_all(part)?;
            written += part.len();
        }
        Ok(())
    }

    /// Reads data up to its end, and compares the data. Calls `progress` with the position of each part. Returns the
    /// number of bytes.
    fn read_with(
        &self,
        mut from: impl Read,
        mut progress: impl FnMut(usize),
    ) -> Result<usize, Box<dyn Error>> {
        let (mut position, mut part) = (0, vec![0; 100_000]);
        loop {
            let length = from.read(&mut part)?;
            if length == 0 {
                return Ok(position);
            }
            let mut rest = &part[..length];
            while !rest.is_empty() {
                let expected = self.at(position, rest.len());
                if let Some(wrong) = expected.iter().zip(rest).position(|(expected, byte)| expected != byte) {
                    return Err(format!("byte {} differs", position + wrong).into());
                }
                rest = &rest[expected.len()..];
                position += expected.len();
            }
            progress(position);
        }
    }

    /// Reads data up to its end, and compares the data. Returns the number of bytes.
    pub(crate) fn read(&self, from: impl Read) -> Result<usize, Box<dyn Error>> {
        self.read_with(from, |_| ())
    }

    /// Sends data to a service, and returns the number of bytes of its answer. Data flows in both directions at once.
    pub(crate) fn exchange(&self, to: (Ipv4Addr, u16), length: usize) -> Result<usize, Box<dyn Error>> {
        self.exchange_with(&connect(to)?, length, |_| ())
    }

    fn exchange_with(
        &self,
        stream: &TcpStream,
        length: usize,
        progress: impl FnMut(usize),
    ) -> Result<usize, Box<dyn Error>> {
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                self.write(stream, length)?;
                stream.shutdown(Shutdown::Write)
            });
            let read = self.read_with(stream, progress);
            if read.is_err() {
                // The writing thread ends too.
                stream.shutdown(Shutdown::Both)?;
            }
            let written = writer.join().map_err(|_| "the writing thread panicked")?;
            let read = read?;
            written?;
            Ok(read)
        })
    }
}

/// Starts a host with services on a new TAP.
pub(crate) fn start(services: &str, more: &[&str]) -> Result<Running, Box<dyn Error>> {
    let words =
        ["--tap", "fast0", "--address", "10.0.0.2/24", "--kernel", "10.0.0.1/24", "--serve", services];
    Running::start(&[&words[..], &["-q", "--json"], more].concat())
}

/// Stops a host, and returns its counters. Nothing may have been dropped by the layers of datagrams and segments.
pub(crate) fn stop(host: Running) -> Result<Value, Box<dyn Error>> {
    let (code, out, errors) = host.stop()?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    let last: Value = serde_json::from_str(out.lines().last().ok_or("no counters")?)?;
    let counters = last["counters"].clone();
    let reasons = [
        ("tcp", "bad_checksum"),
        ("udp", "bad_checksum"),
        ("link", "exceeds_mtu"),
        ("tap", "exceeds_mtu"),
        ("tap", "transmit_failed"),
    ];
    for (layer, name) in reasons {
        assert_eq!(counters[layer][name], 0, "{layer}: {name}: {counters}");
    }
    Ok(counters)
}

fn connect(to: (Ipv4Addr, u16)) -> Result<TcpStream, Box<dyn Error>> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from(to), TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    Ok(stream)
}

fn long_streams() -> TestResult {
    const LENGTH: usize = 100_000_000;
    let pattern = Pattern::new();
    for more in [&[][..], &["--io", "offload"]] {
        let host = start("echo,discard", more)?;
        assert_eq!(pattern.exchange((HOST, 9), LENGTH)?, 0, "{more:?}");
        assert_eq!(pattern.exchange((HOST, 7), LENGTH)?, LENGTH, "{more:?}");
        stop(host)?;
    }
    Ok(())
}

fn streams_by_each_method() -> TestResult {
    let pattern = Pattern::new();
    for io in ["offload", "auto", "ring", "read-write"] {
        let host = start("echo", &["--io", io])?;
        for length in [0, 1, 1_448, 1_449, 65_536, 5_000_000] {
            assert_eq!(pattern.exchange((HOST, 7), length)?, length, "{io}");
        }
        stop(host)?;
    }
    Ok(())
}

fn several_segments_per_frame() -> TestResult {
    const LENGTH: usize = 20_000_000;
    let pattern = Pattern::new();
    let segments = u64::try_from(LENGTH)? / SEGMENT;
    for (io, has_offloads) in [("offload", true), ("read-write", false)] {
        let host = start("echo", &["--io", io])?;
        assert_eq!(pattern.exchange((HOST, 7), LENGTH)?, LENGTH, "{io}");
        let counters = stop(host)?;
        for direction in ["received", "transmitted"] {
            let frames = counters["tap"][direction].as_u64().ok_or("no counter")?;
            assert_eq!(
                frames < segments,
                has_offloads,
                "{io}: {direction}: {frames} frames, {segments} segments"
            );
        }
    }
    Ok(())
}

/// Returns a socket of the kernel that is connected to the echo service.
pub(crate) fn socket() -> Result<UdpSocket, Box<dyn Error>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    socket.connect((HOST, 7))?;
    Ok(socket)
}

/// Sends datagrams of these lengths, which wait in the queue of the TAP until all are sent. Checks that the replies
/// have the same data in the same order.
pub(crate) fn burst(host: &Running, socket: &UdpSocket, pattern: &Pattern, lengths: &[usize]) -> TestResult {
    // The neighbors are resolved, so that no datagram waits for ARP.
    socket.send(b"first")?;
    socket.recv(&mut [0; 5])?;
    host.signal(Signal::SIGSTOP)?;
    for (number, length) in lengths.iter().enumerate() {
        assert_eq!(socket.send(pattern.at(1_000 * number, *length))?, *length);
    }
    host.signal(Signal::SIGCONT)?;
    let mut reply = vec![0; 65_536];
    for (number, length) in lengths.iter().enumerate() {
        let received = socket.recv(&mut reply)?;
        assert_eq!(received, *length, "length of reply {number} of {lengths:?}");
        assert!(
            reply[..received] == *pattern.at(1_000 * number, *length),
            "reply {number} of {lengths:?} differs"
        );
    }
    Ok(())
}

fn datagrams() -> TestResult {
    let pattern = Pattern::new();
    let mixed: Vec<usize> =
        [64, 64, 64, 1_472, 1, 1, 0, 1_473, 64, 700, 700, 699, 0, 0, 1_472, 1_472, 9_000].repeat(2);
    for io in ["offload", "auto", "ring", "read-write"] {
        let host = start("echo", &["--io", io])?;
        let socket = socket()?;
        for length in [0, 1, 64, 1_472, 1_473, 20_000, 65_507] {
            burst(&host, &socket, &pattern, &[length]).map_err(|error| format!("{io}: {length}: {error}"))?;
        }
        // The last datagram of equal headers may be shorter.
        for lengths in [&[64; 60][..], &[1; 60], &[0; 60], &[1_472; 40], &[900, 900, 900, 899, 900], &mixed] {
            burst(&host, &socket, &pattern, lengths)
                .map_err(|error| format!("{io}: {lengths:?}: {error}"))?;
        }
        stop(host)?;
    }
    Ok(())
}

fn several_datagrams_per_call() -> TestResult {
    let tap = Tap::options().io(Io::Offload).open("asked0")?;
    if !tap.capabilities().offloads.udp {
        return Err(WireRefused("the offload of UDP needs Linux 6.2 or later".to_owned()).into());
    }
    let pattern = Pattern::new();
    for (io, has_offloads) in [("offload", true), ("read-write", false)] {
        let host = start("echo", &["--io", io, "--busy-poll", "0"])?;
        let socket = socket()?;
        for _ in 0..20 {
            burst(&host, &socket, &pattern, &[64; 60])?;
        }
        let counters = stop(host)?;
        let count = |layer: &str, name: &str| counters[layer][name].as_u64().ok_or("no counter");
        // 20 bursts, and one datagram before each.
        assert_eq!(count("services", "replies_sent")?, 20 * 61, "{io}");
        // Each datagram is counted as a frame. The other frames are ARP packets and IPv6 frames of the kernel.
        let transmitted = count("tap", "transmitted")?;
        assert!((20 * 61..20 * 61 + 20).contains(&transmitted), "{io}: {transmitted} frames transmitted");
        let calls = count("tap", "system_calls")?;
        let frames = transmitted + count("tap", "received")?;
        assert_eq!(calls < frames * 3 / 4, has_offloads, "{io}: {calls} system calls for {frames} frames");
    }
    Ok(())
}

fn small_path_mtu() -> TestResult {
    const LENGTH: usize = 10_000_000;
    let pattern = Pattern::new();
    let host = start("echo", &[])?;
    let interface = Interface::named(&"fast0".parse()?)?;
    add_route_with_mtu(&interface, HOST, 600)?;
    assert_eq!(pattern.exchange((HOST, 7), LENGTH)?, LENGTH);
    let socket = socket()?;
    burst(&host, &socket, &pattern, &[572, 573, 1_472, 572, 572, 8_000])?;
    let counters = stop(host)?;
    // The kernel has asked for segments of 600 bytes, with 52 bytes of headers.
    let sent = counters["tcp"]["sent"].as_u64().ok_or("no counter")?;
    assert!(sent > u64::try_from(LENGTH / 548)?, "{sent} segments sent");
    Ok(())
}

fn changing_mtu() -> TestResult {
    const LENGTH: usize = 40_000_000;
    let pattern = Pattern::new();
    let host = start("echo", &[])?;
    let interface = Interface::named(&"fast0".parse()?)?;
    let mut mtus = [(1, 700), (2, 1_500), (3, 9_000), (4, 576), (5, 1_400)].into_iter().peekable();
    let stream = connect((HOST, 7))?;
    let read = pattern.exchange_with(&stream, LENGTH, |position| {
        if let Some((_, mtu)) = mtus.next_if(|(number, _)| position > number * LENGTH / 6) {
            interface.set_mtu(mtu).expect("the MTU should be set");
        }
    })?;
    assert_eq!((read, mtus.next()), (LENGTH, None));
    stop(host).map(drop)
}

/// Runs exchanges with these addresses at the same time.
fn exchange_at_once(addresses: &[Ipv4Addr], length: usize) -> TestResult {
    let pattern = &Pattern::new();
    thread::scope(|scope| {
        let exchange = |address: Ipv4Addr| {
            pattern.exchange((address, 7), length).map_err(|error| format!("{address}: {error}"))
        };
        let threads: Vec<_> =
            addresses.iter().map(|address| scope.spawn(move || exchange(*address))).collect();
        for thread in threads {
            assert_eq!(thread.join().map_err(|_| "a thread panicked")??, length);
        }
        Ok(())
    })
}

fn streams_of_range() -> TestResult {
    let words = ["--tap", "fast0", "--hosts", "10.1.0.0/16", "--kernel", "10.2.0.1/14", "--serve", "echo"];
    let host = Running::begin(&[&words[..], &["-q", "--json"]].concat())?;
    let addresses: Vec<Ipv4Addr> = (0..=u16::MAX)
        .step_by(4_369)
        .map(|number| {
            let [high, low] = number.to_be_bytes();
            Ipv4Addr::new(10, 1, high, low)
        })
        .collect();
    exchange_at_once(&addresses, 3_000_000)?;
    let counters = stop(host)?;
    assert_eq!(counters["services"]["echo_connections"], 16, "{counters}");
    Ok(())
}

fn many_streams() -> TestResult {
    let host = start("echo", &[])?;
    exchange_at_once(&[HOST; 100], 300_000)?;
    let counters = stop(host)?;
    assert_eq!(counters["services"]["echo_connections"], 100, "{counters}");
    Ok(())
}

/// Starts `nc` on a new TAP.
fn nc(more: &[&str]) -> io::Result<Child> {
    let words = ["nc", "--tap", "nc0", "-s", "10.0.0.2/24", "--kernel", "10.0.0.1/24", "-N"];
    let mut nc = command(&[&words[..], more].concat());
    nc.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()
}

/// Moves data from standard input to the stream and from the stream to standard output, at the same time.
fn check_streams(mut nc: Child, stream: &TcpStream) -> TestResult {
    const LENGTH: usize = 100_000_000;
    let pattern = &Pattern::new();
    stream.set_read_timeout(Some(TIMEOUT))?;
    let (input, output) = nc.stdin.take().zip(nc.stdout.take()).ok_or("no pipes")?;
    thread::scope(|scope| -> TestResult {
        let input = scope.spawn(move || pattern.write(input, LENGTH));
        let output = scope.spawn(move || pattern.read(output).map_err(|error| error.to_string()));
        let writer = scope.spawn(|| pattern.write(stream, LENGTH));
        assert_eq!(pattern.read(stream)?, LENGTH);
        input.join().map_err(|_| "the thread that writes standard input panicked")??;
        writer.join().map_err(|_| "the thread that writes the stream panicked")??;
        // After this end of the stream, nc ends.
        stream.shutdown(Shutdown::Write)?;
        assert_eq!(output.join().map_err(|_| "the thread that reads standard output panicked")??, LENGTH);
        Ok(())
    })?;
    assert_eq!(nc.wait()?.code(), Some(0));
    Ok(())
}

fn nc_in_both_roles() -> TestResult {
    let listener = TcpListener::bind(("0.0.0.0", 5_000))?;
    let client = nc(&["10.0.0.1", "5000"])?;
    let (stream, _) = listener.accept()?;
    check_streams(client, &stream)?;
    drop(stream);
    let server = nc(&["-l", "5000"])?;
    let address = SocketAddr::from((HOST, 5_000));
    let stream = wait_for("a connection to nc", || {
        TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok()
    })?;
    check_streams(server, &stream)
}
