//! Changes of links during the event loop.

use std::error::Error;
use std::os::fd::AsFd;
use std::time::Duration;

use runtime::{Clock, Driver, DriverError, LinkUpdate};
use socket2::{SockFilter, SockRef};
use tap::linux::{Interface, Io, LinkMonitor, PacketSocket, Tap};
use tap::{Batch, Device, DeviceError, DeviceEvent, Frame, Instant, LinkState, Machine, Pool, PortId};
use testbed::kernel::delete_link;
use testbed::veth::Veth;
use testbed::{Case, TestResult, wait_for};

use super::wire_with;

pub(crate) const CASES: &[Case] = &[
    ("machine_receives_each_change_of_link", machine_receives_each_change_of_link),
    (
        "changes_of_link_are_read_when_monitor_of_earlier_port_fails",
        changes_of_link_are_read_when_monitor_of_earlier_port_fails,
    ),
    ("loop_ends_when_tap_is_deleted", loop_ends_when_tap_is_deleted),
    ("loop_ends_when_interface_is_deleted_while_down", loop_ends_when_interface_is_deleted_while_down),
];

const LIMIT: Duration = Duration::from_secs(10);
/// Instruction `BPF_RET | BPF_K` of a socket filter: accepts this number of bytes of a packet.
const RETURN: u16 = 6;

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

/// Opens a TAP, and a monitor of its link after the TAP has a carrier.
fn monitored_tap() -> Result<(Tap, Interface, LinkMonitor), Box<dyn Error>> {
    let tap = wire_with(Io::ReadWrite)?;
    let interface = Interface::named(tap.interface().name())?;
    let monitor = wait_for("carrier", || {
        LinkMonitor::open(interface.name()).ok().filter(|monitor| monitor.state().carries_frames())
    })?;
    Ok((tap, interface, monitor))
}

fn machine_receives_each_change_of_link() -> TestResult {
    let (tap, interface, monitor) = monitored_tap()?;
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

fn changes_of_link_are_read_when_monitor_of_earlier_port_fails() -> TestResult {
    let (tap, first, monitor) = monitored_tap()?;
    let socket = monitor.as_fd().try_clone_to_owned()?;
    let mut driver = driver(tap, monitor);
    let (tap, second, monitor) = monitored_tap()?;
    let down = LinkState { is_up: false, has_carrier: false, ..monitor.state() };
    let port = driver.add_device(tap, Some(monitor));
    // The receive queue overflows, and the filter drops the answer to the request for the present state.
    SockRef::from(&socket).set_recv_buffer_size(1)?;
    first.set_up(false)?;
    first.set_up(true)?;
    SockRef::from(&socket).attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)])?;
    second.set_up(false)?;
    let error = driver.follow_links();
    assert!(
        matches!(&error, Err(DriverError::Link { port, .. }) if port.number() == 0),
        "the error of the first monitor is not reported: {error:?}"
    );
    assert_eq!(driver.link_changes(), [LinkUpdate { port, state: down }]);
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
