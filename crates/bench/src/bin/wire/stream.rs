//! TCP data and requests between a kernel socket and the contenders, on two CPUs.

use bench::namespace::{select_cubic, within};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddrV4, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::contender::Contender;
use crate::cpu::ThreadClock;
use crate::generator::TIMEOUT;
use crate::kernel_tcp::port;
use crate::latency::LatencyResult;
use crate::load::Load;
use crate::network::BenchNetwork;
use crate::pattern::{PERIOD, Pattern};
use crate::rounds::{Rounds, in_turn};
use crate::running::{Job, Worker};
use crate::stats::{ns, number};
use crate::traffic::RESPONDER;

/// A contender that serves one TCP connection, and the client at the other end.
pub(crate) struct StreamMember {
    contender: &'static str,
    load: Load,
    client: TcpStream,
    /// Position of the client in the stream of chargen.
    position: usize,
    /// CPU clock of the contender's thread.
    clock: ThreadClock,
    worker: Worker,
    network: BenchNetwork,
}

/// Results of one contender.
#[derive(Debug)]
pub(crate) struct StreamResult {
    pub(crate) contender: &'static str,
    /// Megabytes per second in each slice.
    pub(crate) rates: Vec<f64>,
    pub(crate) bytes: usize,
    /// CPU time of the contender's thread per KiB, in nanoseconds.
    pub(crate) cpu_ns: f64,
    /// CPU time of both threads per KiB, in nanoseconds.
    pub(crate) total_ns: f64,
}

#[derive(Default)]
struct Slices {
    rates: Vec<f64>,
    bytes: usize,
    /// CPU time of the contender and of the client.
    cpu: [Duration; 2],
}

/// Size of the buffer of the client.
const BUFFER: usize = 256 << 10;
/// Number of bytes at the start of each read that the client checks.
const CHECKED: usize = 64;

/// Starts all contenders, each in its own network namespace, and connects a client to each.
pub(crate) fn start_all(contenders: &[Contender], job: &Job) -> Result<Vec<StreamMember>, String> {
    let member = |contender: &Contender| {
        StreamMember::begin(contender, job).map_err(|error| format!("{}: {error}", contender.name))
    };
    contenders.iter().map(member).collect()
}

/// Closes all connections, and stops the contenders.
pub(crate) fn stop_all(members: Vec<StreamMember>) -> Result<(), String> {
    members.into_iter().try_for_each(|member| {
        let name = member.contender;
        member.end().map_err(|error| format!("{name}: {error}"))
    })
}

/// Transfers data with one contender at a time. Each contender has one slice per round.
pub(crate) fn transfer(
    members: &mut [StreamMember],
    slice: Duration,
    rounds: Rounds,
) -> Result<Vec<StreamResult>, String> {
    let mut space = vec![0; BUFFER];
    let pattern = Pattern::new();
    let mut lanes: Vec<_> = members.iter_mut().map(|member| (member, Slices::default())).collect();
    rounds.repeat(|round| {
        in_turn(&mut lanes, round, |(member, slices)| {
            slices
                .add(member, &pattern, &mut space, slice)
                .map_err(|error| format!("{}: {error}", member.contender))
        })
    })?;
    Ok(lanes.into_iter().map(|(member, slices)| slices.sum_up(member.contender)).collect())
}

/// Sends one byte and waits for its echo, again and again, with one contender at a time.
pub(crate) fn ask(
    members: &mut [StreamMember],
    slice: Duration,
    rounds: Rounds,
) -> Result<Vec<LatencyResult>, String> {
    let mut lanes: Vec<_> = members.iter_mut().map(|member| (member, Vec::new())).collect();
    rounds.repeat(|round| {
        in_turn(&mut lanes, round, |(member, us)| {
            member.ask(us, slice).map_err(|error| format!("{}: {error}", member.contender))
        })
    })?;
    let timed = lanes.into_iter().map(|(member, us)| LatencyResult {
        contender: member.contender,
        us,
        unexpected: 0,
    });
    Ok(timed.collect())
}

impl StreamMember {
    fn begin(contender: &Contender, job: &Job) -> Result<StreamMember, String> {
        let network = BenchNetwork::new(contender)?;
        let (worker, clock) = Worker::start(contender, &network, job)?;
        network.add_requester()?;
        let client = within(&network.requester, || open(port(job.load)))?;
        Ok(StreamMember {
            contender: contender.name,
            load: job.load,
            client,
            position: 0,
            clock,
            worker,
            network,
        })
    }

    pub(crate) fn contender(&self) -> &'static str {
        self.contender
    }

    pub(crate) fn client(&mut self) -> &mut TcpStream {
        &mut self.client
    }

    pub(crate) fn clock(&self) -> ThreadClock {
        self.clock
    }

    pub(crate) fn network(&self) -> &BenchNetwork {
        &self.network
    }

    /// Transfers some data, and returns the number of bytes.
    fn transfer(&mut self, pattern: &Pattern, space: &mut [u8]) -> Result<usize, String> {
        let failed = |error: io::Error| format!("transfer failed: {error}");
        if self.load == Load::TcpReceive {
            return self.client.write(pattern.at(0)).map_err(failed);
        }
        let length = self.client.read(space).map_err(failed)?;
        let checked = length.min(CHECKED);
        if length == 0 || space[..checked] != pattern.at(self.position)[..checked] {
            return Err(format!("wrong data at byte {} of the stream", self.position));
        }
        self.position += length;
        Ok(length)
    }

    /// Waits until the contender uses no CPU time, because it has processed all data that it may receive or send.
    fn settle(&self) -> Result<(), String> {
        let begin = Instant::now();
        let mut used = self.clock.now();
        loop {
            thread::sleep(Duration::from_millis(1));
            let now = self.clock.now();
            if now == used {
                return Ok(());
            }
            used = now;
            if begin.elapsed() > TIMEOUT {
                return Err("the contender does not become idle".to_owned());
            }
        }
    }

    fn ask(&mut self, us: &mut Vec<f64>, slice: Duration) -> Result<(), String> {
        let failed = |error: io::Error| format!("no echo: {error}");
        let begin = Instant::now();
        let mut byte = 0_u8;
        while begin.elapsed() < slice {
            byte = byte.wrapping_add(1);
            let sent = Instant::now();
            self.client.write_all(&[byte]).map_err(failed)?;
            let mut echo = [0];
            self.client.read_exact(&mut echo).map_err(failed)?;
            us.push(sent.elapsed().as_secs_f64() * 1e6);
            if echo != [byte] {
                return Err("wrong echo".to_owned());
            }
        }
        Ok(())
    }

    /// Closes the connection. A contender that receives data closes its direction after the last byte.
    fn end(mut self) -> Result<(), String> {
        // A flood can leave a request without a reply.
        if !matches!(self.load, Load::TcpSend | Load::TcpFlood) {
            let failed = |error: io::Error| format!("the connection did not end: {error}");
            self.client.shutdown(Shutdown::Write).map_err(failed)?;
            let left = self.client.read(&mut [0]).map_err(failed)?;
            if left > 0 {
                return Err("data after the end of the transfer".to_owned());
            }
        }
        drop(self.client);
        self.worker.end(|| Ok(()))
    }
}

/// Connects a socket with CUBIC to a service of the responder.
pub(crate) fn open(port: u16) -> Result<TcpStream, String> {
    let failed = |error: io::Error| format!("cannot connect: {error}");
    let stream =
        TcpStream::connect_timeout(&SocketAddrV4::new(RESPONDER.ip, port).into(), TIMEOUT).map_err(failed)?;
    select_cubic(&stream)?;
    stream.set_nodelay(true).map_err(failed)?;
    stream.set_read_timeout(Some(TIMEOUT)).map_err(failed)?;
    stream.set_write_timeout(Some(TIMEOUT)).map_err(failed)?;
    Ok(stream)
}

impl Slices {
    /// Transfers data for half a slice, which fills the buffers, and then for a slice, which is measured.
    fn add(
        &mut self,
        member: &mut StreamMember,
        pattern: &Pattern,
        space: &mut [u8],
        slice: Duration,
    ) -> Result<(), String> {
        let begin = Instant::now();
        while begin.elapsed() < slice / 2 {
            member.transfer(pattern, space)?;
        }
        let clocks = [member.clock, ThreadClock::mine()];
        let (begin, used, mut bytes) = (Instant::now(), clocks.map(ThreadClock::now), 0);
        let mut elapsed = Duration::ZERO;
        while elapsed < slice {
            bytes += member.transfer(pattern, space)?;
            elapsed = begin.elapsed();
        }
        for ((sum, clock), before) in self.cpu.iter_mut().zip(clocks).zip(used) {
            *sum += clock.now().saturating_sub(before);
        }
        self.bytes += bytes;
        self.rates.push(number(bytes) / elapsed.as_secs_f64() / 1e6);
        member.position %= PERIOD;
        member.settle()
    }

    fn sum_up(self, contender: &'static str) -> StreamResult {
        let kibibytes = number(self.bytes.max(1)) / 1_024.0;
        let [cpu, client] = self.cpu.map(ns);
        StreamResult {
            contender,
            rates: self.rates,
            bytes: self.bytes,
            cpu_ns: cpu / kibibytes,
            total_ns: (cpu + client) / kibibytes,
        }
    }
}
