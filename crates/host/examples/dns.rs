//! A DNS server on each host of a range: `dns TAP IP/PREFIX`, for example `dns tap0 10.1.0.0/16`.
//!
//! Each host answers queries for the name `host.example` with its own address. One socket receives the queries of all
//! hosts.

use std::error::Error;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use host::{Fragmentation, Host, HostConfig, ReceivedUdp, SocketId, UdpBind, UdpMessage};
use link::MacAddr;
use runtime::{Clock, Driver};
use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, QTYPE, RCODE, ResourceRecord, TYPE};
use tap::linux::{LinkMonitor, Tap};
use tap::{Device, Instant, Pool};

/// Port of DNS.
const PORT: u16 = 53;
/// The only name that the hosts know.
const NAME: &str = "host.example";
/// Time to live of the answers, in seconds.
const TIME_TO_LIVE: u32 = 60;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(range)) = (arguments.next(), arguments.next()) else {
        return Err("usage: dns TAP IP/PREFIX".into());
    };
    let tap = Tap::open(&name)?;
    let monitor = LinkMonitor::open(tap.interface().name())?;
    let mtu = tap.capabilities().mtu;
    let mut config =
        HostConfig { mtu, ..HostConfig::range(range.parse()?, MacAddr::new([2, 0, 0, 0, 0, 0])) };
    let random = RandomState::new();
    config.table.seed = (u128::from(random.hash_one(0)) << 64) | u128::from(random.hash_one(1));
    let clock = Clock::start();
    let mut host = Host::new(clock.now(), &config)?;
    // The socket is bound to all addresses of the host.
    let socket = host.bind_udp(&UdpBind { port: Some(PORT), ..UdpBind::default() })?;
    let pool = Pool::new(mtu, host.pool_size());
    let mut driver = Driver::new(host, tap, Some(monitor), pool, clock);
    println!("DNS server on port {PORT} of {range}");
    loop {
        driver.step::<()>(&mut (), &[], None)?;
        let now = driver.now();
        let (host, pool) = driver.machine_and_pool();
        while host.take_event().is_some() {}
        while let Some(id) = host.poll_ready() {
            while host.take_socket_error(id).is_some() {}
        }
        while let Some(query) = host.receive_udp(socket) {
            answer(now, host, socket, query, pool);
        }
    }
}

/// Sends the answer to a query. Messages that are no queries have no answer.
fn answer(now: Instant, host: &mut Host, socket: SocketId, query: ReceivedUdp, pool: &mut Pool) {
    let message = UdpMessage {
        // The answer has the interface and the address of the query.
        interface: Some(query.interface),
        source: Some(query.destination.ip()),
        destination: Some(query.source),
        time_to_live: None,
        type_of_service: 0,
        fragmentation: Fragmentation::Allowed,
    };
    let response = response(query.frame.bytes(), query.destination.ip());
    pool.give(query.frame);
    if let Some(response) = response
        && let Err(error) = host.send_udp(now, socket, &message, &response, pool)
    {
        println!("no answer to {}: {error}", query.source);
    }
}

/// Returns the response of a host to a query.
fn response(query: &[u8], address: IpAddr) -> Option<Vec<u8>> {
    let query = Packet::parse(query).ok().filter(|query| !query.has_flags(PacketFlag::RESPONSE))?;
    let mut response = query.into_reply();
    response.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
    response.additional_records.clear();
    let name = Name::new(NAME).ok()?;
    let question = response.questions.first()?;
    if !question.qname.to_string().eq_ignore_ascii_case(NAME) {
        *response.rcode_mut() = RCODE::NameError;
    } else if let (QTYPE::TYPE(TYPE::A), IpAddr::V4(address)) = (question.qtype, address) {
        let data = RData::A(A { address: address.to_bits() });
        response.answers.push(ResourceRecord::new(name, CLASS::IN, TIME_TO_LIVE, data));
    }
    response.build_bytes_vec_compressed().ok()
}
