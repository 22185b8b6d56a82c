//! Exit codes of `tapstack arping`: on one bridge, `-I` and `--tap` give the same result. `arping.rs` tests failures
//! without a bridge.

use tap::linux::Interface;

use super::running::{PersistentTapGuard, Running};
use testbed::kernel::{create_bridge, delete_link};
use testbed::program::{exit_and_text, run};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[("arping_exit_codes_are_equal_on_interface_and_tap", every_row)];

/// The hosts on the bridge: a host with a unique address, and two hosts with the same address.
const HOSTS: [(&str, &str, &str); 3] = [
    ("host1", "10.0.0.2/24", "02:00:00:00:00:02"),
    ("twin1", "10.0.0.4/24", "02:00:00:00:04:01"),
    ("twin2", "10.0.0.4/24", "02:00:00:00:04:02"),
];

/// A row of a table: name, options, target, exit code, and the MAC addresses in the output.
type Row = (&'static str, &'static [&'static str], &'static str, i32, &'static [&'static str]);

const BOTH: &[&str] = &["[02:00:00:00:04:01]", "[02:00:00:00:04:02]"];

/// Results on a link that is up.
const LINK_UP: &[Row] = &[
    ("reply", &["-f"], "10.0.0.2", 0, &["[02:00:00:00:00:02]"]),
    ("no reply", &["-w", "0.2"], "10.0.0.9", 1, &[]),
    ("duplicate", &["-c", "2", "-i", "0.1"], "10.0.0.4", 0, BOTH),
    ("in use", &["-D"], "10.0.0.2", 1, &["[02:00:00:00:00:02]"]),
    ("in use by two hosts", &["-D"], "10.0.0.4", 1, &["[02:00:00:00:04:0"]),
    ("free", &["-D", "-i", "0.1"], "10.0.0.9", 0, &[]),
    ("free within -w", &["-D", "-c", "2", "-i", "0.1", "-w", "2.1"], "10.0.0.9", 0, &[]),
    ("unfinished", &["-D", "-w", "0.2"], "10.0.0.9", 2, &[]),
    ("in use within -w", &["-D", "-w", "0.8"], "10.0.0.2", 1, &["[02:00:00:00:00:02]"]),
];
/// Results on an interface that is down or absent.
const LINK_DOWN: &[Row] =
    &[("link down", &["-w", "0.2"], "10.0.0.9", 2, &[]), ("link down with -D", &["-D"], "10.0.0.9", 2, &[])];

fn every_row() -> TestResult {
    let taps = HOSTS.map(|(name, ..)| name).into_iter().chain(["asks1"]);
    let taps: Result<Vec<_>, _> = taps.map(PersistentTapGuard::create_without_address).collect();
    let taps = taps?;
    create_bridge("codes1", &taps.iter().map(|tap| &tap.0).collect::<Vec<_>>())?;
    let bridge = Interface::named(&"codes1".parse()?)?;
    bridge.add_address("10.0.0.1/24".parse()?)?;
    let down = PersistentTapGuard::create("down1")?;
    down.0.set_up(false)?;
    let start = |(tap, address, mac)| Running::start(&["--tap", tap, "--address", address, "--mac", mac]);
    let hosts: Result<Vec<_>, _> = HOSTS.into_iter().map(start).collect();
    let hosts = hosts?;

    let interface: &[&str] = &["-I", "codes1"];
    let station: &[&str] = &["--tap", "asks1", "--address", "10.0.0.7/24"];
    for device in [interface, station] {
        // A bridge port forwards frames only some time after its creation.
        wait_for("host on the bridge", || {
            let out = arping(device, &["-f", "-w", "0.1"], "10.0.0.4").ok()?;
            (out.0 == Some(0)).then_some(())
        })?;
        check_rows(device, LINK_UP)?;
    }
    check_rows(&["-I", "down1"], LINK_DOWN)?;
    check_rows(&["--tap", "down1", "--address", "10.0.0.7/24"], LINK_DOWN)?;
    check_rows(&["-I", "absent1"], LINK_DOWN)?;
    hosts.into_iter().try_for_each(|host| host.stop().map(drop))?;
    delete_link(&bridge)
}

/// Checks all rows on a device.
fn check_rows(device: &[&str], rows: &[Row]) -> TestResult {
    for &(name, options, target, code, named) in rows {
        let (ended, out, errors) = arping(device, options, target)?;
        assert_eq!(ended, Some(code), "{device:?}: {name}: {out}{errors}");
        assert!(named.iter().all(|host| out.contains(host)), "{device:?}: {name}: {out}");
        assert_eq!(out.contains(" from 10.0.0.") && out.contains('['), !named.is_empty(), "{name}: {out}");
        assert!(named != BOTH || out.contains("ms (DUP!) (CONFLICT: also at "), "{device:?}: {name}: {out}");
        assert_eq!(
            errors.lines().filter(|line| line.starts_with("tapstack: ")).count(),
            usize::from(code == 2),
            "{device:?}: {name}: {errors}"
        );
    }
    Ok(())
}

fn arping(device: &[&str], options: &[&str], target: &str) -> std::io::Result<(Option<i32>, String, String)> {
    Ok(exit_and_text(&run(&[&["arping"], device, options, &[target]].concat())?))
}
