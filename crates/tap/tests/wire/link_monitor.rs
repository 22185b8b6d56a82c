//! Monitoring of link state changes.

use std::io;
use std::time::Duration;

use std::os::fd::AsFd;
use tap::linux::{Descriptor, Interface, InterfaceName, LinkMonitor, Tap, wait};
use tap::{DeviceEvent, LinkState};

use testbed::kernel::{create_bridge, delete_link, remove_from_bridge, rename_link};
use testbed::veth::{NEAR, Veth};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("link_monitor_reports_down_and_up_in_order", link_monitor_reports_down_and_up_in_order),
    ("link_monitor_reports_changed_mtu", link_monitor_reports_changed_mtu),
    ("link_monitor_reports_carrier_loss_and_return", link_monitor_reports_carrier_loss_and_return),
    (
        "link_monitor_follows_renamed_interface_until_deleted",
        link_monitor_follows_renamed_interface_until_deleted,
    ),
    ("link_monitor_survives_removal_from_bridge", link_monitor_survives_removal_from_bridge),
    (
        "link_monitor_reports_down_when_notifications_were_lost",
        link_monitor_reports_down_when_notifications_were_lost,
    ),
    ("link_monitor_fails_when_interface_is_absent", link_monitor_fails_when_interface_is_absent),
];

pub(crate) const UNPRIVILEGED: &[Case] =
    &[("link_monitor_works_without_privilege", link_monitor_works_without_privilege)];

const UP: LinkState = LinkState { is_up: true, has_carrier: true, mtu: 1_500 };
const DOWN: LinkState = LinkState { is_up: false, has_carrier: false, mtu: 1_500 };

/// Opens a TAP and its monitor. Waits until the kernel reports the carrier.
fn tap() -> Result<(Tap, LinkMonitor), Box<dyn std::error::Error>> {
    let tap = Tap::open("tap%d")?;
    tap.interface().set_up(true)?;
    let monitor = wait_for("carrier", || {
        LinkMonitor::open(tap.interface().name()).ok().filter(|monitor| monitor.state() == UP)
    })?;
    Ok((tap, monitor))
}

/// Waits for the next change. The descriptor must be readable before the change is returned.
fn change(monitor: &mut LinkMonitor) -> io::Result<LinkState> {
    const TIMEOUT: Duration = Duration::from_mins(1);
    loop {
        if let Some(DeviceEvent::Link(state)) = monitor.poll()? {
            assert_eq!(monitor.state(), state);
            return Ok(state);
        }
        if wait([Descriptor::readable(monitor.as_fd(), ())], Some(TIMEOUT))?.is_empty() {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

fn link_monitor_reports_down_and_up_in_order() -> TestResult {
    let (tap, mut monitor) = tap()?;
    assert_eq!(monitor.poll()?, None);
    tap.interface().set_up(false)?;
    tap.interface().set_up(true)?;
    assert_eq!((change(&mut monitor)?, change(&mut monitor)?), (DOWN, UP));
    assert_eq!(monitor.poll()?, None);
    Ok(())
}

fn link_monitor_reports_changed_mtu() -> TestResult {
    let (tap, mut monitor) = tap()?;
    let other = Tap::open("tap%d")?;
    for mtu in [576, 9_000] {
        other.interface().set_mtu(1_400)?;
        tap.interface().set_mtu(mtu)?;
        assert_eq!(change(&mut monitor)?, LinkState { mtu, ..UP });
    }
    assert_eq!(monitor.poll()?, None);
    Ok(())
}

fn link_monitor_reports_carrier_loss_and_return() -> TestResult {
    let veth = Veth::new()?;
    let mut monitor = LinkMonitor::open(&NEAR.parse()?)?;
    assert_eq!(monitor.state(), UP);
    veth.far_interface()?.set_up(false)?;
    assert_eq!(change(&mut monitor)?, LinkState { has_carrier: false, ..UP });
    veth.far_interface()?.set_up(true)?;
    assert_eq!(change(&mut monitor)?, UP);
    // The kernel may merge two quick changes. Both are reported nevertheless.
    veth.far_interface()?.set_up(false)?;
    veth.far_interface()?.set_up(true)?;
    assert_eq!(change(&mut monitor)?, LinkState { has_carrier: false, ..UP });
    assert_eq!(change(&mut monitor)?, UP);
    Ok(())
}

fn link_monitor_follows_renamed_interface_until_deleted() -> TestResult {
    let (tap, mut monitor) = tap()?;
    tap.interface().set_up(false)?;
    rename_link(tap.interface(), "other0")?;
    let renamed = Interface::named(&"other0".parse()?)?;
    renamed.set_mtu(1_400)?;
    assert_eq!(change(&mut monitor)?, DOWN);
    assert_eq!(change(&mut monitor)?, LinkState { mtu: 1_400, ..DOWN });
    delete_link(&renamed)?;
    for _ in 0..2 {
        let error = change(&mut monitor).err().ok_or("a change was reported after deletion")?;
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}");
    }
    Ok(())
}

fn link_monitor_survives_removal_from_bridge() -> TestResult {
    let (tap, mut monitor) = tap()?;
    create_bridge("bridge0", &[tap.interface()])?;
    remove_from_bridge(tap.interface())?;
    tap.interface().set_mtu(1_400)?;
    assert_eq!(change(&mut monitor)?, LinkState { mtu: 1_400, ..UP });
    delete_link(&Interface::named(&"bridge0".parse()?)?)
}

fn link_monitor_reports_down_when_notifications_were_lost() -> TestResult {
    let (tap, mut monitor) = tap()?;
    for mtu in 1_000..2_000 {
        tap.interface().set_mtu(mtu)?;
    }
    let first = change(&mut monitor)?;
    assert_eq!(first, LinkState { mtu: first.mtu, ..DOWN });
    assert_eq!(change(&mut monitor)?, LinkState { mtu: 1_999, ..UP });
    assert_eq!(monitor.poll()?, None);
    tap.interface().set_mtu(1_500)?;
    assert_eq!(change(&mut monitor)?, UP);
    Ok(())
}

fn link_monitor_fails_when_interface_is_absent() -> TestResult {
    let name: InterfaceName = "absent0".parse()?;
    let error = LinkMonitor::open(&name).err().ok_or("an absent interface was opened")?;
    assert_eq!(
        (error.kind(), error.to_string()),
        (io::ErrorKind::NotFound, "interface absent0 does not exist".to_owned())
    );
    Ok(())
}

fn link_monitor_works_without_privilege() -> TestResult {
    let mut monitor = LinkMonitor::open(&testbed::ROOT_TAP.parse()?)?;
    assert_eq!(monitor.state(), LinkState { has_carrier: false, ..UP });
    assert_eq!(monitor.poll()?, None);
    Ok(())
}
