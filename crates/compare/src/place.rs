//! The wire: a bridge with everybody on it who is asked for, and the interfaces of those who ask.

use std::net::Ipv4Addr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use tap::linux::{CarrierState, Interface, InterfaceName};

use super::kinds::Kind;
use super::rows::{HOST, RANGE, RANGE_BASE, Scene, TWICE, TWINS};
use conform::frames::{OURS, mac, request_for};
use conform::linux::{Linux, ip, set};
use conform::tapstack::{Tapstack, make_tap};
use conform::wire::Wire;

const BRIDGE: &str = "bridge0";
/// How long somebody on the wire may take until he answers for the first time.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Everybody who is asked for, for as long as this value lives.
pub(crate) struct Place {
    _linux: Linux,
    _hosts: Vec<Tapstack>,
}

/// The interfaces of one who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stand {
    kind: Kind,
    /// That of the tool.
    pub(crate) number: u8,
}

impl Place {
    /// Makes the bridge, the kernel of another namespace, and hosts of ours, which are this program.
    pub(crate) fn make(program: &Path) -> Result<Place, String> {
        // Each interface is to speak for itself alone, and to hear what comes by another way back.
        for scope in ["all", "default"] {
            set(&format!("conf/{scope}/arp_ignore"), "1")?;
            set(&format!("conf/{scope}/rp_filter"), "0")?;
            set(&format!("conf/{scope}/proxy_arp"), "0")?;
        }
        let (linux, kernel) = Linux::start()?;
        ip(&["link", "add", BRIDGE, "type", "bridge"])
            .map_err(|error| format!("cannot make a bridge: {error}"))?;
        up(BRIDGE)?;
        join(kernel.as_str())?;
        let own = |address: Ipv4Addr, station| {
            let (address, station) = (format!("{address}/8"), mac(station));
            ["--address", &address, "--mac", &station, "--no-probe"].map(str::to_owned).to_vec()
        };
        let range = ["--hosts", RANGE, "--mac-base", &mac(RANGE_BASE)].map(str::to_owned).to_vec();
        let [one, other] = TWINS.map(|station| own(TWICE, station));
        let hosts = [("host0", own(HOST.0, HOST.1)), ("one0", one), ("other0", other), ("range0", range)];
        let mut running = Vec::new();
        for (tap, options) in hosts {
            let tap = name(tap)?;
            make_tap(&tap)?;
            join(tap.as_str())?;
            running.push(Tapstack::start(program, &tap, &options)?);
        }
        for host in &mut running {
            host.ready()?;
        }
        Ok(Place { _linux: linux, _hosts: running })
    }
}

impl Stand {
    /// Makes the interfaces of a tool, and waits until everybody is heard from there.
    pub(crate) fn make(kind: Kind, number: u8) -> Result<Stand, String> {
        let stand = Stand { kind, number };
        for scene in [Scene::Wire, Scene::Down, Scene::NoCarrier, Scene::Falls, Scene::Unplugged] {
            stand.lay(scene)?;
        }
        if kind != Kind::Station {
            let mut wire = Wire::open(&name(&stand.interface(Scene::Wire))?)?;
            for address in [OURS, HOST.0, TWICE, Ipv4Addr::new(10, 1, 0, 0)] {
                hears(&mut wire, address)?;
            }
        }
        Ok(stand)
    }

    /// Makes the interface of a scene: a TAP for a station of our own, for all others one end of a pair.
    fn lay(self, scene: Scene) -> Result<(), String> {
        let (near, far) = (self.interface(scene), self.far_end(scene));
        if self.kind == Kind::Station {
            make_tap(&name(&near)?)?;
            match scene {
                Scene::Wire => join(&near)?,
                Scene::Down => interface(&near)?.set_up(false).map_err(|error| error.to_string())?,
                _ => {}
            }
            return Ok(());
        }
        ip(&["link", "add", &near, "type", "veth", "peer", "name", &far])?;
        ip(&["address", "add", &format!("{}/8", self.address(scene)), "dev", &near])?;
        match scene {
            Scene::Wire => join(&far)?,
            Scene::NoCarrier => {}
            _ => up(&far)?,
        }
        if scene == Scene::Down { Ok(()) } else { up(&near) }
    }

    /// Where a tool asks in this scene.
    pub(crate) fn interface(self, scene: Scene) -> String {
        let kind = match scene {
            // Without privilege a TAP cannot be made, and so none is.
            Scene::Powerless if self.kind == Kind::Station => "new",
            Scene::Wire | Scene::Powerless => "ask",
            Scene::Down => "down",
            Scene::Absent => "absent",
            Scene::NoCarrier => "idle",
            Scene::Falls => "fall",
            Scene::Unplugged => "pull",
        };
        format!("{kind}{}", self.number)
    }

    /// The other end of that; of a TAP, the same.
    fn far_end(self, scene: Scene) -> String {
        let near = self.interface(scene);
        if self.kind == Kind::Station { near } else { format!("{near}far") }
    }

    /// Whose address asks there.
    pub(crate) fn address(self, scene: Scene) -> Ipv4Addr {
        let third = match scene {
            // In the kernel's own network: it answers by IPv4 too.
            Scene::Wire | Scene::Powerless | Scene::Absent => 0,
            Scene::Down => 11,
            Scene::NoCarrier => 12,
            Scene::Falls => 13,
            Scene::Unplugged => 14,
        };
        Ipv4Addr::new(10, 0, third, self.number.saturating_add(11))
    }

    /// What is to happen to a scene while it is asked there; nothing, to most.
    pub(crate) fn event(self, scene: Scene) -> Result<Option<Event>, String> {
        let far = match scene {
            Scene::Falls | Scene::Unplugged => self.far_end(scene),
            _ => return Ok(None),
        };
        let near = interface(&self.interface(scene))?;
        let wire = Wire::open(&name(&far)?)?;
        if self.kind != Kind::Station {
            runs(&near)?;
        }
        let victim = if scene == Scene::Falls { near } else { interface(&far)? };
        Ok(Some(Event { wire, victim }))
    }
}

/// An interface is about to go down.
pub(crate) struct Event {
    wire: Wire,
    victim: Interface,
}

impl Event {
    /// Waits for a frame, and lets it happen. Without a frame it happens too.
    pub(crate) fn happen(&mut self) -> Result<(), String> {
        self.wire.next(PATIENCE)?;
        self.victim.set_up(false).map_err(|error| error.to_string())
    }

    /// Makes it as it was.
    pub(crate) fn undo(&self) -> Result<(), String> {
        self.victim.set_up(true).map_err(|error| error.to_string())
    }
}

/// Asks for somebody until he is heard.
fn hears(wire: &mut Wire, address: Ipv4Addr) -> Result<(), String> {
    let request = request_for(address);
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        wire.send(&request)?;
        while let Some(heard) = wire.next(PAUSE)? {
            if heard.get(20..22) == Some(&[0, 2]) && heard.get(28..32) == Some(&address.octets()) {
                return Ok(());
            }
        }
    }
    Err(format!("nobody answers for {address} in {PATIENCE:?}"))
}

/// Waits until an interface has taken note of its carrier.
fn runs(interface: &Interface) -> Result<(), String> {
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if interface.carrier().map_err(|error| error.to_string())? == CarrierState::Up {
            return Ok(());
        }
        thread::sleep(PAUSE);
    }
    Err(format!("{} has no carrier in {PATIENCE:?}", interface.name()))
}

fn name(name: &str) -> Result<InterfaceName, String> {
    name.parse().map_err(|error| format!("{error}"))
}

fn interface(of: &str) -> Result<Interface, String> {
    Interface::named(&name(of)?).map_err(|error| error.to_string())
}

fn up(name: &str) -> Result<(), String> {
    interface(name)?.set_up(true).map_err(|error| error.to_string())
}

/// Puts an interface on the bridge.
fn join(name: &str) -> Result<(), String> {
    ip(&["link", "set", name, "master", BRIDGE, "up"])
}
