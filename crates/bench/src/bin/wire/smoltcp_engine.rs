//! smoltcp over its own TAP device and over the batches of tapstack.

use std::cell::RefCell;
use std::os::fd::{AsFd, BorrowedFd, IntoRawFd};
use std::time::Duration;

use smoltcp::iface::{Config, Interface};
use smoltcp::phy::{self, DeviceCapabilities, Medium, TunTapInterface};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, IpCidr};
use tap::linux::Tap;
use tap::{Batch, Device, Frame, Pool};

use crate::engine::{PollEngine, PollResult};
use crate::load::Load;
use crate::smoltcp_sockets::Sockets;
use crate::traffic::{PREFIX, RESPONDER};

/// Ethernet header, which smoltcp counts in the MTU.
const HEADER: usize = 14;
/// Maximum number of frames per poll, as in tapstack's host.
const BATCH: usize = tap::Exchange::BATCH;

/// smoltcp as its users run it, on its own TAP device. The engine polls until no frame is queued.
pub(crate) struct SmoltcpEngine {
    interface: Interface,
    device: TunTapInterface,
    sockets: Sockets,
    tap: Tap,
}

/// smoltcp over the I/O of tapstack, with batches and a frame pool.
pub(crate) struct BatchedSmoltcp {
    interface: Interface,
    device: Batches,
    sockets: Sockets,
}

struct Batches {
    tap: Tap,
    pool: RefCell<Pool>,
    arrived: Batch,
    departing: RefCell<Batch>,
    failure: Option<String>,
}

impl SmoltcpEngine {
    pub(crate) fn over(tap: Tap, load: Load) -> Result<SmoltcpEngine, String> {
        // A second descriptor of the same TAP, because the device closes its descriptor.
        let fd = tap
            .as_fd()
            .try_clone_to_owned()
            .map_err(|error| format!("cannot duplicate a descriptor: {error}"))?;
        let mut device =
            TunTapInterface::from_fd(fd.into_raw_fd(), Medium::Ethernet, tap.capabilities().mtu + HEADER)
                .map_err(|error| format!("smoltcp cannot use the TAP: {error}"))?;
        let interface = interface(&mut device);
        Ok(SmoltcpEngine { interface, device, sockets: Sockets::new(load), tap })
    }
}

impl PollEngine for SmoltcpEngine {
    fn poll_once(&mut self) -> Result<PollResult, String> {
        let arrived = self.sockets.poll(&mut self.interface, &mut self.device);
        Ok(PollResult { arrived, congested: false, again: arrived == BATCH })
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.tap.as_fd()
    }

    fn next_deadline(&mut self) -> Option<Duration> {
        self.sockets.deadline(&mut self.interface)
    }
}

impl BatchedSmoltcp {
    pub(crate) fn over(tap: Tap, load: Load) -> BatchedSmoltcp {
        let mut device = Batches {
            pool: RefCell::new(Pool::new(tap.capabilities().mtu, 4 * BATCH)),
            tap,
            arrived: Batch::new(BATCH),
            departing: RefCell::new(Batch::new(BATCH)),
            failure: None,
        };
        let interface = interface(&mut device);
        BatchedSmoltcp { interface, device, sockets: Sockets::new(load) }
    }
}

impl PollEngine for BatchedSmoltcp {
    fn poll_once(&mut self) -> Result<PollResult, String> {
        let arrived = self.sockets.poll(&mut self.interface, &mut self.device);
        self.device.flush();
        match self.device.failure.take() {
            Some(failure) => Err(failure),
            None => Ok(PollResult {
                arrived,
                congested: !self.device.departing.get_mut().is_empty(),
                again: arrived == BATCH,
            }),
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        self.device.tap.as_fd()
    }

    fn next_deadline(&mut self) -> Option<Duration> {
        self.sockets.deadline(&mut self.interface)
    }
}

impl Batches {
    /// Sends the frames.
    fn flush(&mut self) {
        if let Err(error) = self.tap.transmit(self.departing.get_mut(), self.pool.get_mut()) {
            self.failure = Some(error.to_string());
        }
    }
}

impl phy::Device for Batches {
    type RxToken<'a> = Arrived<'a>;
    type TxToken<'a> = Departing<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Arrived<'_>, Departing<'_>)> {
        if self.arrived.is_empty() {
            self.flush();
            match self.tap.receive(self.pool.get_mut(), &mut self.arrived) {
                Ok(_) => {}
                Err(error) => self.failure = Some(error.to_string()),
            }
        }
        if self.departing.get_mut().free_capacity() == 0 {
            self.flush();
        }
        let frame = self.arrived.pop()?;
        let arrived = Arrived { frame, pool: &self.pool };
        Some((arrived, Departing { pool: &self.pool, departing: &self.departing }))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Departing<'_>> {
        if self.departing.get_mut().free_capacity() == 0 {
            self.flush();
        }
        // Without capacity, smoltcp sends later.
        let has_capacity = self.departing.get_mut().free_capacity() > 0;
        has_capacity.then_some(Departing { pool: &self.pool, departing: &self.departing })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.max_transmission_unit = self.tap.capabilities().mtu + HEADER;
        capabilities.medium = Medium::Ethernet;
        capabilities
    }
}

struct Arrived<'a> {
    frame: Frame,
    pool: &'a RefCell<Pool>,
}

impl phy::RxToken for Arrived<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        let result = read(self.frame.bytes());
        self.pool.borrow_mut().give(self.frame);
        result
    }
}

struct Departing<'a> {
    pool: &'a RefCell<Pool>,
    departing: &'a RefCell<Batch>,
}

impl phy::TxToken for Departing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut pool = self.pool.borrow_mut();
        let frame = pool.take().and_then(|mut frame| frame.append(length).is_ok().then_some(frame));
        // The same capacity as in tapstack: one reply per request, each within the MTU.
        let Some(mut frame) = frame else { return write(&mut vec![0; length]) };
        let result = write(frame.bytes_mut());
        if let Err(frame) = self.departing.borrow_mut().push(frame) {
            pool.give(frame);
        }
        result
    }
}

fn interface(device: &mut (impl phy::Device + ?Sized)) -> Interface {
    let config = Config::new(EthernetAddress(RESPONDER.mac).into());
    let mut interface = Interface::new(config, device, Instant::now());
    // The push succeeds, because the list has capacity for several addresses.
    interface.update_ip_addrs(|addresses| {
        let _ = addresses.push(IpCidr::new(RESPONDER.ip.into(), PREFIX));
    });
    interface
}
