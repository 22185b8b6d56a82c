//! The interfaces of a host, and the state of its ports.

use inet::InterfaceId;
use link::VlanTags;
use tap::PortId;

use crate::interface::HostInterface;

/// The interfaces of a host, at least one, in the order of their identifiers.
#[derive(Debug)]
pub(crate) struct Interfaces {
    first: HostInterface,
    others: Vec<HostInterface>,
}

/// State of a port: one device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PortState {
    pub(crate) id: PortId,
    /// Maximum MTU, set by the first state of the link.
    pub(crate) mtu_limit: Option<usize>,
    /// Whether the last state of the link was active.
    pub(crate) is_link_active: bool,
    /// Whether the device has not accepted all frames that are due.
    pub(crate) is_congested: bool,
    /// Number of transmissions, which selects the interface that is served first.
    pub(crate) turns: usize,
}

impl PortState {
    pub(crate) fn new(id: PortId) -> PortState {
        PortState { id, mtu_limit: None, is_link_active: true, is_congested: false, turns: 0 }
    }
}

impl Interfaces {
    pub(crate) fn new(first: HostInterface) -> Interfaces {
        Interfaces { first, others: Vec::new() }
    }

    /// Returns the identifier of the next interface, or `None` if no identifier is left.
    pub(crate) fn next_id(&self) -> Option<InterfaceId> {
        u16::try_from(self.others.len()).ok()?.checked_add(1).map(InterfaceId)
    }

    pub(crate) fn push(&mut self, interface: HostInterface) {
        self.others.push(interface);
    }

    pub(crate) fn first(&self) -> &HostInterface {
        &self.first
    }

    pub(crate) fn first_mut(&mut self) -> &mut HostInterface {
        &mut self.first
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &HostInterface> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut HostInterface> {
        std::iter::once(&mut self.first).chain(&mut self.others)
    }

    pub(crate) fn get(&self, id: InterfaceId) -> Option<&HostInterface> {
        match usize::from(id.0).checked_sub(1) {
            None => Some(&self.first),
            Some(place) => self.others.get(place),
        }
    }

    pub(crate) fn get_mut(&mut self, id: InterfaceId) -> Option<&mut HostInterface> {
        match usize::from(id.0).checked_sub(1) {
            None => Some(&mut self.first),
            Some(place) => self.others.get_mut(place),
        }
    }

    /// Returns the interface with this identifier, or the first interface.
    pub(crate) fn get_mut_or_first(&mut self, id: InterfaceId) -> &mut HostInterface {
        match usize::from(id.0).checked_sub(1).and_then(|place| self.others.get_mut(place)) {
            Some(interface) => interface,
            None => &mut self.first,
        }
    }

    /// Iterates over the interfaces of a port.
    pub(crate) fn of_port(&self, port: PortId) -> impl Iterator<Item = &HostInterface> {
        self.iter().filter(move |interface| interface.port() == port)
    }

    /// Iterates over the interfaces of a port.
    pub(crate) fn of_port_mut(&mut self, port: PortId) -> impl Iterator<Item = &mut HostInterface> {
        self.iter_mut().filter(move |interface| interface.port() == port)
    }

    /// Returns the interface of a received frame with these tags. A frame of a VLAN without an interface goes to the
    /// first interface of the port, which drops the frame. Returns `None` for a port without an interface.
    // spec: many-vlans
    #[inline]
    pub(crate) fn select(
        &mut self,
        port: PortId,
        tags: impl FnOnce() -> VlanTags,
    ) -> Option<&mut HostInterface> {
        if self.others.is_empty() {
            return Some(&mut self.first).filter(|interface| interface.port() == port);
        }
        let tags = tags();
        let is_local = |interface: &HostInterface| interface.link.is_local_vlan(tags);
        let place = self.of_port(port).find(|interface| is_local(interface));
        let id = place.or_else(|| self.of_port(port).next())?.id;
        self.get_mut(id)
    }

    /// Calls a function for each interface of a port, in turn from the interface that `turns` selects.
    #[inline]
    pub(crate) fn for_each(&mut self, port: PortId, turns: usize, mut serve: impl FnMut(&mut HostInterface)) {
        if self.others.is_empty() {
            return serve(&mut self.first);
        }
        let count = self.of_port(port).count();
        let skipped = turns.checked_rem(count).unwrap_or_default();
        self.of_port_mut(port).skip(skipped).for_each(&mut serve);
        self.of_port_mut(port).take(skipped).for_each(&mut serve);
    }
}
