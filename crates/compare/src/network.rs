//! The segment: a bridge with the hosts to find, and the interfaces on which the tools run.

use std::net::Ipv4Addr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use tap::linux::{CarrierState, Interface, InterfaceName};

use super::rows::{
    ComparisonRow, DUPLICATE_IP, DUPLICATE_MACS, HOST, RANGE, RANGE_BASE, Situation, TWO_ADDRESSES,
};
use super::tool::ToolKind;
use conform::frame_socket::FrameSocket;
use conform::frames::{TESTED_IP, mac, request_for, request_from};
use conform::linux::{LinuxHost, ip, set};
use conform::tapstack::{TapstackHost, create_tap};

const BRIDGE: &str = "bridge0";
/// Timeout for the first reply of a host, and for a carrier.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Interval between two attempts to get a reply or a carrier.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// The bridge and its hosts. Dropping this value stops the hosts.
pub(crate) struct TestNetwork {
    _linux: LinuxHost,
    _hosts: Vec<TapstackHost>,
}

/// The interfaces of a tool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToolInterfaces {
    kind: ToolKind,
    /// Number of the tool.
    pub(crate) number: u8,
}

impl TestNetwork {
    /// Creates the bridge, a Linux host in another namespace, and tapstack hosts that run `program`.
    pub(crate) fn make(program: &Path) -> Result<TestNetwork, String> {
        // Each interface replies only to requests for its own addresses, and does not check the route to the source of
        // a packet.
        for scope in ["all", "default"] {
            set(&format!("conf/{scope}/arp_ignore"), "1")?;
            set(&format!("conf/{scope}/rp_filter"), "0")?;
            set(&format!("conf/{scope}/proxy_arp"), "0")?;
        }
        let (linux, kernel) = LinuxHost::start()?;
        ip(&["link", "add", BRIDGE, "type", "bridge"])
            .map_err(|error| format!("cannot create a bridge: {error}"))?;
        set_up(BRIDGE)?;
        add_to_bridge(kernel.as_str())?;
        let options = |address: Ipv4Addr, prefix_length: u8, mac_address| {
            let (address, mac_address) = (format!("{address}/{prefix_length}"), mac(mac_address));
            ["--address", &address, "--mac", &mac_address, "--no-probe"].map(str::to_owned).to_vec()
        };
        let range = ["--hosts", RANGE, "--mac-base", &mac(RANGE_BASE)].map(str::to_owned).to_vec();
        let host = options(HOST.0, 8, HOST.1);
        let [one, other] = DUPLICATE_MACS.map(|mac_address| options(DUPLICATE_IP, 8, mac_address));
        // A proxy replies for addresses outside its network.
        let ([first, second], mac_address) = TWO_ADDRESSES;
        let two =
            [options(first, 32, mac_address), vec!["--proxy".to_owned(), format!("{second}/32")]].concat();
        let hosts = [("host0", host), ("one0", one), ("other0", other), ("two0", two), ("range0", range)];
        let mut running = Vec::new();
        for (tap, arguments) in hosts {
            let tap = name(tap)?;
            create_tap(&tap)?;
            add_to_bridge(tap.as_str())?;
            running.push(TapstackHost::start(program, &tap, &arguments)?);
        }
        for host in &mut running {
            host.wait_until_ready()?;
        }
        Ok(TestNetwork { _linux: linux, _hosts: running })
    }
}

impl ToolInterfaces {
    /// Creates the interfaces of a tool, and waits until the hosts answer on the connected interface.
    pub(crate) fn make(kind: ToolKind, number: u8) -> Result<ToolInterfaces, String> {
        let interfaces = ToolInterfaces { kind, number };
        for situation in [
            Situation::OnWire,
            Situation::Down,
            Situation::NoCarrier,
            Situation::GoesDown,
            Situation::LosesCarrier,
        ] {
            interfaces.create_interface(situation)?;
        }
        if kind != ToolKind::ArpingTap {
            let mut wire = FrameSocket::open(&name(&interfaces.interface(Situation::OnWire))?)?;
            let [first, second] = TWO_ADDRESSES.0;
            for address in [TESTED_IP, HOST.0, DUPLICATE_IP, first, second, Ipv4Addr::new(10, 1, 0, 0)] {
                wait_until_answering(&mut wire, address)?;
            }
        }
        Ok(interfaces)
    }

    /// Creates the interface of a situation: a TAP for `arping --tap`, or one end of a veth pair for the other tools.
    fn create_interface(self, situation: Situation) -> Result<(), String> {
        let (near, far) = (self.interface(situation), self.far_end(situation));
        if self.kind == ToolKind::ArpingTap {
            create_tap(&name(&near)?)?;
            match situation {
                Situation::OnWire => add_to_bridge(&near)?,
                Situation::Down => interface(&near)?.set_up(false).map_err(|error| error.to_string())?,
                _ => {}
            }
            return Ok(());
        }
        ip(&["link", "add", &near, "type", "veth", "peer", "name", &far])?;
        ip(&["address", "add", &format!("{}/8", self.address(situation)), "dev", &near])?;
        match situation {
            Situation::OnWire => add_to_bridge(&far)?,
            Situation::NoCarrier => {}
            _ => set_up(&far)?,
        }
        if situation == Situation::Down { Ok(()) } else { set_up(&near) }
    }

    /// Returns the interface on which the tool runs in this situation.
    pub(crate) fn interface(self, situation: Situation) -> String {
        let kind = match situation {
            // An unprivileged user cannot create a TAP, so this interface does not exist.
            Situation::Unprivileged if self.kind == ToolKind::ArpingTap => "new",
            Situation::OnWire | Situation::Unprivileged => "tool",
            Situation::Down => "down",
            Situation::Absent => "absent",
            Situation::NoCarrier => "idle",
            Situation::GoesDown => "fall",
            Situation::LosesCarrier => "pull",
        };
        format!("{kind}{}", self.number)
    }

    /// Returns the other end of the interface. The other end of a TAP is the TAP itself.
    fn far_end(self, situation: Situation) -> String {
        let near = self.interface(situation);
        if self.kind == ToolKind::ArpingTap { near } else { format!("{near}far") }
    }

    /// Returns the IP address of the interface in this situation.
    pub(crate) fn address(self, situation: Situation) -> Ipv4Addr {
        let third = match situation {
            // An address in the kernel's network, so that the kernel replies to IPv4 datagrams too.
            Situation::OnWire | Situation::Unprivileged | Situation::Absent => 0,
            Situation::Down => 11,
            Situation::NoCarrier => 12,
            Situation::GoesDown => 13,
            Situation::LosesCarrier => 14,
        };
        Ipv4Addr::new(10, 0, third, self.number.saturating_add(11))
    }

    /// Returns the failure of the interface while the tool runs, if the interface fails in this situation.
    pub(crate) fn link_failure(self, situation: Situation) -> Result<Option<LinkFailure>, String> {
        let far = match situation {
            Situation::GoesDown | Situation::LosesCarrier => self.far_end(situation),
            _ => return Ok(None),
        };
        let near = interface(&self.interface(situation))?;
        let wire = FrameSocket::open(&name(&far)?)?;
        if self.kind != ToolKind::ArpingTap {
            wait_for_carrier(&near)?;
        }
        let failing = if situation == Situation::GoesDown { near } else { interface(&far)? };
        Ok(Some(LinkFailure { wire, failing }))
    }

    /// Returns requests for the addresses of the target, for a passive tool. An interface without a carrier has no
    /// requests.
    pub(crate) fn observed_requests(self, row: &ComparisonRow) -> Result<ObservedRequests, String> {
        let near = name(&self.interface(row.situation))?;
        let sender = interface(near.as_str())?.mac_address().map_err(|error| error.to_string())?;
        let sender = (sender, self.address(row.situation));
        let requests =
            row.target.addresses(self.number).into_iter().map(|target| request_from(sender, target));
        let requests = if row.situation == Situation::NoCarrier { Vec::new() } else { requests.collect() };
        Ok(ObservedRequests { wire: FrameSocket::open(&near)?, requests })
    }
}

/// Requests on the interface of a passive tool, which observes them and their replies.
pub(crate) struct ObservedRequests {
    wire: FrameSocket,
    requests: Vec<Vec<u8>>,
}

impl ObservedRequests {
    /// Sends the requests.
    pub(crate) fn send(&mut self) -> Result<(), String> {
        self.requests.iter().try_for_each(|request| self.wire.send(request))
    }
}

/// A failure of an interface during a run.
pub(crate) struct LinkFailure {
    wire: FrameSocket,
    failing: Interface,
}

impl LinkFailure {
    /// Waits for a frame of the tool, up to the timeout. Then sets the interface down.
    pub(crate) fn trigger(&mut self) -> Result<(), String> {
        self.wire.next(TIMEOUT)?;
        self.failing.set_up(false).map_err(|error| error.to_string())
    }

    /// Sets the interface up again.
    pub(crate) fn revert(&self) -> Result<(), String> {
        self.failing.set_up(true).map_err(|error| error.to_string())
    }
}

/// Sends ARP requests for an address until its host replies.
fn wait_until_answering(wire: &mut FrameSocket, address: Ipv4Addr) -> Result<(), String> {
    let request = request_for(address);
    for _ in 0..TIMEOUT.as_millis() / RETRY_INTERVAL.as_millis() {
        wire.send(&request)?;
        while let Some(reply) = wire.next(RETRY_INTERVAL)? {
            if reply.get(20..22) == Some(&[0, 2]) && reply.get(28..32) == Some(&address.octets()) {
                return Ok(());
            }
        }
    }
    Err(format!("no reply from {address} within {TIMEOUT:?}"))
}

/// Waits until an interface reports a carrier.
fn wait_for_carrier(interface: &Interface) -> Result<(), String> {
    for _ in 0..TIMEOUT.as_millis() / RETRY_INTERVAL.as_millis() {
        if interface.carrier().map_err(|error| error.to_string())? == CarrierState::Up {
            return Ok(());
        }
        thread::sleep(RETRY_INTERVAL);
    }
    Err(format!("{} has no carrier after {TIMEOUT:?}", interface.name()))
}

fn name(name: &str) -> Result<InterfaceName, String> {
    name.parse().map_err(|error| format!("{error}"))
}

fn interface(of: &str) -> Result<Interface, String> {
    Interface::named(&name(of)?).map_err(|error| error.to_string())
}

fn set_up(name: &str) -> Result<(), String> {
    interface(name)?.set_up(true).map_err(|error| error.to_string())
}

/// Adds an interface to the bridge, and sets it up.
fn add_to_bridge(name: &str) -> Result<(), String> {
    ip(&["link", "set", name, "master", BRIDGE, "up"])
}
