//! Opens the device of a host, adds its routes, and returns random numbers.

pub(crate) mod arguments;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{IpAddr, Ipv4Addr};

use arp::{NeighborSettings, StartMode};
use host::{Host, HostConfig};
use ipnet::Ipv4Net;
use link::MacAddr;
use runtime::Clock;
use tap::Device;
use tap::linux::{InterfaceName, Io, Tap};

use crate::device::{HostAddresses, NetworkDevice, check_macs, shared_address, warn_of_shared_address};
use crate::error_message::ErrorMessage;
use crate::failure::Failure;
use crate::values::{ip_address, range};
use arguments::StationArguments;

impl StationArguments {
    /// Opens the interface or the TAP for hosts with the IP addresses `ips`. `macs` returns their first and last MAC
    /// address on an interface.
    pub(crate) fn attach(
        &self,
        io: Io,
        ips: &[Ipv4Net],
        macs: impl FnOnce(&InterfaceName) -> Result<(MacAddr, MacAddr), Failure>,
    ) -> Result<NetworkDevice, Failure> {
        match (&self.interface, &self.tap) {
            (Some(name), _) => {
                let addresses = HostAddresses { macs: macs(name)?, ips };
                let device = NetworkDevice::open_interface(name, &addresses)?;
                self.gateways.iter().try_for_each(|gateway| device.check_reachable(*gateway))?;
                Ok(device)
            }
            (None, Some(name)) => {
                let tap = self.open(name, io, ips)?;
                check_macs(macs(tap.interface().name())?, tap.interface())?;
                Ok(tap.into())
            }
            (None, None) => Err(Failure::new("missing interface").hint("add -I NAME or --tap NAME")),
        }
    }

    /// Opens the TAP, and configures the kernel's side as the options require.
    fn open(&self, name: &InterfaceName, io: Io, ranges: &[Ipv4Net]) -> Result<Tap, Failure> {
        let mut options = Tap::options().io(io);
        if let Some(mtu) = self.mtu {
            options = options.mtu(mtu.into());
        }
        let tap = options.open(name.as_str())?;
        if let Some(address) = self.kernel {
            // On a TAP, a range of proxy ARP may contain the kernel's address.
            if let Some(range) = ranges.iter().find(|range| **range == Ipv4Net::from(address.addr())) {
                return Err(shared_address(*range, address.addr()));
            }
            tap.interface().ensure_address(address)?;
        }
        // An existing TAP keeps its state.
        if tap.is_created() {
            tap.interface().set_up(true)?;
        }
        Ok(tap)
    }

    /// Warns if the kernel has the address of the host too, or an address outside the network of the host.
    pub(crate) fn warn_of_address(&self, address: Ipv4Net) -> Result<(), Failure> {
        warn_of_shared_address(address.addr())?;
        let Some(kernel) = self.kernel else { return Ok(()) };
        let is_routed = !self.gateways.is_empty() || !self.routes.is_empty();
        let are_neighbors = address.contains(&kernel.addr()) && kernel.contains(&address.addr());
        if !is_routed && !are_neighbors {
            Failure::new(format!("--kernel {kernel} and --address {address} are in different networks"))
                .hint("use two addresses of one network, e.g. 10.0.0.1/24 and 10.0.0.2/24")
                .print();
        }
        Ok(())
    }

    /// Returns a host with one address, which the host uses immediately or after probing.
    pub(crate) fn host(
        &self,
        device: &NetworkDevice,
        address: Ipv4Net,
        mac: MacAddr,
        start: StartMode,
        clock: Clock,
    ) -> Result<Host, Failure> {
        let defaults = HostConfig::new(address.into(), mac);
        let config = HostConfig {
            mtu: device.capabilities().mtu,
            offloads: device.capabilities().offloads,
            vlan: self.vlan,
            gateway: self.gateways.first().copied().map(IpAddr::V4),
            start,
            table: NeighborSettings { seed: secret(), ..defaults.table },
            ..defaults
        };
        let mut host = Host::new(clock.now(), &config)?;
        self.add_routes(&mut host)?;
        Ok(host)
    }

    /// Adds the gateways of `--gateway` after the first, and the routes of `--route`.
    pub(crate) fn add_routes(&self, host: &mut Host) -> Result<(), Failure> {
        for gateway in self.gateways.iter().skip(1) {
            host.add_gateway((*gateway).into())?;
        }
        for words in self.routes.chunks(3) {
            let invalid = |why: ErrorMessage| why.context(format!("invalid route '{}'", words.join(" ")));
            let (network, gateway) = route(words).map_err(invalid)?;
            host.add_route(network.into(), gateway.into())?;
        }
        Ok(())
    }
}

/// Parses the three values of `--route`.
fn route(words: &[String]) -> Result<(Ipv4Net, Ipv4Addr), ErrorMessage> {
    match words {
        [destination, via, gateway] if via == "via" => Ok((range(destination)?, ip_address(gateway)?)),
        _ => Err(ErrorMessage::new("expected 'IP/PREFIX via IP'")
            .hint("use e.g. `--route 192.0.2.0/24 via 10.0.0.1`")),
    }
}

/// Returns a number that other hosts cannot guess.
pub(crate) fn random_number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Returns the secret of a host: 128 random bits, seeded by the operating system.
pub(crate) fn secret() -> u128 {
    let random_number = RandomState::new();
    (u128::from(random_number.hash_one(0)) << 64) | u128::from(random_number.hash_one(1))
}
