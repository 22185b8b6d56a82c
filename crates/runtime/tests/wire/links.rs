//! Changes of links during the event loop.

use std::os::fd::AsFd;
use std::time::Duration;

use runtime::{Clock, Driver, DriverError, LinkUpdate};
use tap::linux::{Interface, Io, LinkMonitor, PacketSocket};
use tap::{Batch, Device, DeviceError, DeviceEvent, Frame, Instant, LinkState, Machine, Pool, PortId};
use testbed::kernel::delete_link;
use testbed::veth::Veth;
use testbed::{Case, TestResult, wait_for};

use super::wire_with;

pub(crate) const CASES: &[Case] = &[
    ("machine_receives_each_change_of_link", machine_receives_each_change_of_link),
    ("loop_ends_when_tap_is_deleted", loop_ends_when_tap_is_deleted),
    ("loop_ends_when_interface_is_deleted_while_down", loop_ends_when_interface_is_deleted_while_down),
];

const LIMIT: Duration = Duration::from_secs(10);

/// Machine that drops all frames and records the states of its link.
#[derive(Default)]
struct Recorder {
    states: Vec<LinkState>,
}

impl Machine for Recorder {
    type Outcome = ();

    fn receive(&mut self, _now: Instant, _port: PortId, frame: Frame, pool: &mut Pool) {
        pool.give(frame);
    }

    fn transmit(&mut self, _now: Instant, _port: PortId, _departing: &mut Batch, _pool: &mut Pool) {}

    fn device_event(&mut self, _: Instant, _: PortId, event: DeviceEvent, _: &mut Batch, _: &mut Pool) {
        let DeviceEvent::Link(state) = event;
        self.states.push(state);
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }
}

fn driver<D: Device + AsFd>(device: D, monitor: LinkMonitor) -> Driver<Recorder, D> {
    let pool = Pool::new(device.capabilities().mtu, 128);
    Driver::new(Recorder::default(), device, Some(monitor), pool, Clock::start())
}

fn machine_receives_each_change_of_link() -> TestResult {
    let tap = wire_with(Io::ReadWrite)?;
    let interface = Interface::named(tap.interface().name())?;
    let monitor = wait_for("carrier", || {
        LinkMonitor::open(interface.name()).ok().filter(|monitor| monitor.state().carries_frames())
    })?;
    let up = monitor.state();
    let (port, mut driver) = (PortId::new(0), driver(tap, monitor));
    interface.set_up(false)?;
    interface.set_up(true)?;
    let mut changes = Vec::new();
    while changes.len() < 2 {
        driver.step::<()>(&mut (), &[], Some(LIMIT))?;
        changes.extend_from_slice(driver.link_changes());
    }
    let down = LinkState { is_up: false, has_carrier: false, ..up };
    assert_eq!(changes, [down, up].map(|state| LinkUpdate { port, state }));
    assert_eq!(driver.machine().states, [up, down, up]);
    // A change is returned once.
    driver.follow_links()?;
    assert!(driver.link_changes().is_empty());
    Ok(())
}

fn loop_ends_when_tap_is_deleted() -> TestResult {
    let tap = wire_with(Io::ReadWrite)?;
    let interface = Interface::named(tap.interface().name())?;
    let monitor = LinkMonitor::open(interface.name())?;
    let mut driver = driver(tap, monitor);
    delete_link(&interface)?;
    check_end(&mut driver)
}

fn loop_ends_when_interface_is_deleted_while_down() -> TestResult {
    let veth = Veth::new()?;
    let name = veth.near.name();
    let (socket, monitor) = (PacketSocket::open(name)?, LinkMonitor::open(name)?);
    let mut driver = driver(socket, monitor);
    veth.near.set_up(false)?;
    while driver.machine().states.last().is_none_or(|state| state.is_up) {
        driver.step::<()>(&mut (), &[], Some(LIMIT))?;
    }
    // The kernel does not report the deletion to the socket.
    delete_link(&veth.near)?;
    check_end(&mut driver)
}

/// Checks that the loop ends because the device is gone, without a wait until the time limit.
fn check_end<D: Device + AsFd>(driver: &mut Driver<Recorder, D>) -> TestResult {
    let begin = driver.clock().now();
    loop {
        match driver.step::<()>(&mut (), &[], Some(LIMIT)) {
            Ok(_) => assert!(driver.clock().now().since(begin) < LIMIT, "the deletion was not detected"),
            Err(DriverError::Device { source: DeviceError::Gone(_), .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
