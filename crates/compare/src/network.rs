//! The wire: a bridge with everybody on it who is asked for, and the interfaces of those who ask.

use std::net::Ipv4Addr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use tap::linux::{CarrierState, Interface, InterfaceName};

use super::rows::{DUPLICATE_IP, DUPLICATE_MACS, HOST, RANGE, RANGE_BASE, Situation};
use super::tool::ToolKind;
use conform::frame_socket::FrameSocket;
use conform::frames::{TESTED_IP, mac, request_for};
use conform::linux::{LinuxHost, ip, set};
use conform::tapstack::{TapstackHost, create_tap};

const BRIDGE: &str = "bridge0";
/// How long somebody on the wire may take until he answers for the first time.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Between two looks.
const RETRY_INTERVAL: Duration = Duration::from_millis(20);

/// Everybody who is asked for, for as long as this value lives.
pub(crate) struct TestNetwork {
    _linux: LinuxHost,
    _hosts: Vec<TapstackHost>,
}

/// The interfaces of one who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ToolInterfaces {
    kind: ToolKind,
    /// That of the tool.
    pub(crate) number: u8,
}

impl TestNetwork {
    /// Makes the bridge, the kernel of another namespace, and hosts of ours, which are this program.
    pub(crate) fn make(program: &Path) -> Result<TestNetwork, String> {
        // Each interface is to speak for itself alone, and to hear what comes by another way back.
        for scope in ["all", "default"] {
            set(&format!("conf/{scope}/arp_ignore"), "1")?;
            set(&format!("conf/{scope}/rp_filter"), "0")?;
            set(&format!("conf/{scope}/proxy_arp"), "0")?;
        }
        let (linux, kernel) = LinuxHost::start()?;
        ip(&["link", "add", BRIDGE, "type", "bridge"])
            .map_err(|error| format!("cannot make a bridge: {error}"))?;
        set_up(BRIDGE)?;
        add_to_bridge(kernel.as_str())?;
        let own = |address: Ipv4Addr, station| {
            let (address, station) = (format!("{address}/8"), mac(station));
            ["--address", &address, "--mac", &station, "--no-probe"].map(str::to_owned).to_vec()
        };
        let range = ["--hosts", RANGE, "--mac-base", &mac(RANGE_BASE)].map(str::to_owned).to_vec();
        let [one, other] = DUPLICATE_MACS.map(|station| own(DUPLICATE_IP, station));
        let hosts = [("host0", own(HOST.0, HOST.1)), ("one0", one), ("other0", other), ("range0", range)];
        let mut running = Vec::new();
        for (tap, options) in hosts {
            let tap = name(tap)?;
            create_tap(&tap)?;
            add_to_bridge(tap.as_str())?;
            running.push(TapstackHost::start(program, &tap, &options)?);
        }
        for host in &mut running {
            host.wait_until_ready()?;
        }
        Ok(TestNetwork { _linux: linux, _hosts: running })
    }
}

impl ToolInterfaces {
    /// Makes the interfaces of a tool, and waits until everybody is heard from there.
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
            for address in [TESTED_IP, HOST.0, DUPLICATE_IP, Ipv4Addr::new(10, 1, 0, 0)] {
                wait_until_answering(&mut wire, address)?;
            }
        }
        Ok(interfaces)
    }

    /// Makes the interface of a scene: a TAP for a station of our own, for all others one end of a pair.
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

    /// Where a tool asks in this scene.
    pub(crate) fn interface(self, situation: Situation) -> String {
        let kind = match situation {
            // Without privilege a TAP cannot be made, and so none is.
            Situation::Unprivileged if self.kind == ToolKind::ArpingTap => "new",
            Situation::OnWire | Situation::Unprivileged => "ask",
            Situation::Down => "down",
            Situation::Absent => "absent",
            Situation::NoCarrier => "idle",
            Situation::GoesDown => "fall",
            Situation::LosesCarrier => "pull",
        };
        format!("{kind}{}", self.number)
    }

    /// The other end of that; of a TAP, the same.
    fn far_end(self, situation: Situation) -> String {
        let near = self.interface(situation);
        if self.kind == ToolKind::ArpingTap { near } else { format!("{near}far") }
    }

    /// Whose address asks there.
    pub(crate) fn address(self, situation: Situation) -> Ipv4Addr {
        let third = match situation {
            // In the kernel's own network: it answers by IPv4 too.
            Situation::OnWire | Situation::Unprivileged | Situation::Absent => 0,
            Situation::Down => 11,
            Situation::NoCarrier => 12,
            Situation::GoesDown => 13,
            Situation::LosesCarrier => 14,
        };
        Ipv4Addr::new(10, 0, third, self.number.saturating_add(11))
    }

    /// What is to happen to a scene while it is asked there; nothing, to most.
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
}

/// An interface is about to go down.
pub(crate) struct LinkFailure {
    wire: FrameSocket,
    failing: Interface,
}

impl LinkFailure {
    /// Waits for a frame, and lets it happen. Without a frame it happens too.
    pub(crate) fn trigger(&mut self) -> Result<(), String> {
        self.wire.next(TIMEOUT)?;
        self.failing.set_up(false).map_err(|error| error.to_string())
    }

    /// Makes it as it was.
    pub(crate) fn revert(&self) -> Result<(), String> {
        self.failing.set_up(true).map_err(|error| error.to_string())
    }
}

/// Asks for somebody until he is heard.
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
    Err(format!("nobody answers for {address} in {TIMEOUT:?}"))
}

/// Waits until an interface has taken note of its carrier.
fn wait_for_carrier(interface: &Interface) -> Result<(), String> {
    for _ in 0..TIMEOUT.as_millis() / RETRY_INTERVAL.as_millis() {
        if interface.carrier().map_err(|error| error.to_string())? == CarrierState::Up {
            return Ok(());
        }
        thread::sleep(RETRY_INTERVAL);
    }
    Err(format!("{} has no carrier in {TIMEOUT:?}", interface.name()))
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

/// Puts an interface on the bridge.
fn add_to_bridge(name: &str) -> Result<(), String> {
    ip(&["link", "set", name, "master", BRIDGE, "up"])
}
