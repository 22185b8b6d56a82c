//! The exit codes of `tapstack arping`, row by row: who asks by `-I` and who asks by `--tap` on one bridge hear
//! the same truth. What takes no privilege to fail is in `arping.rs`.

use tap::linux::Interface;

use super::running::{PersistentTapGuard, Running};
use testbed::kernel::{create_bridge, delete_link};
use testbed::program::{exit_and_text, run};
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[("arping_exit_codes_are_equal_on_interface_and_tap", every_row)];

/// Everybody on the bridge: a host, and two that share an address.
const HOSTS: [(&str, &str, &str); 3] = [
    ("host1", "10.0.0.2/24", "02:00:00:00:00:02"),
    ("twin1", "10.0.0.4/24", "02:00:00:00:04:01"),
    ("twin2", "10.0.0.4/24", "02:00:00:00:04:02"),
];

/// A row: its name, the letters, who is asked for, the exit code, and who is named.
type Row = (&'static str, &'static [&'static str], &'static str, i32, &'static [&'static str]);

const BOTH: &[&str] = &["[02:00:00:00:04:01]", "[02:00:00:00:04:02]"];

/// On a wire that carries.
const CARRIED: &[Row] = &[
    ("reply", &["-f"], "10.0.0.2", 0, &["[02:00:00:00:00:02]"]),
    ("none", &["-w", "0.2"], "10.0.0.9", 1, &[]),
    ("duplicate", &["-c", "2", "-i", "0.1"], "10.0.0.4", 0, BOTH),
    ("taken", &["-D"], "10.0.0.2", 1, &["[02:00:00:00:00:02]"]),
    ("taken by two", &["-D"], "10.0.0.4", 1, &["[02:00:00:00:04:0"]),
    ("free", &["-D", "-i", "0.1"], "10.0.0.9", 0, &[]),
    ("free, within -w", &["-D", "-c", "2", "-i", "0.1", "-w", "2.1"], "10.0.0.9", 0, &[]),
    ("unfinished", &["-D", "-w", "0.2"], "10.0.0.9", 2, &[]),
    ("taken within -w", &["-D", "-w", "0.8"], "10.0.0.2", 1, &["[02:00:00:00:00:02]"]),
];
/// On one that is down, or absent.
const BROKEN: &[Row] =
    &[("broken", &["-w", "0.2"], "10.0.0.9", 2, &[]), ("broken, free?", &["-D"], "10.0.0.9", 2, &[])];

fn every_row() -> TestResult {
    let taps = HOSTS.map(|(name, ..)| name).into_iter().chain(["asks1"]);
    let taps: Result<Vec<_>, _> = taps.map(PersistentTapGuard::create_without_address).collect();
    let taps = taps?;
    create_bridge("codes1", &taps.iter().map(|tap| &tap.0).collect::<Vec<_>>())?;
    let middle = Interface::named(&"codes1".parse()?)?;
    middle.add_address("10.0.0.1/24".parse()?)?;
    let down = PersistentTapGuard::create("down1")?;
    down.0.set_up(false)?;
    let start = |(tap, address, mac)| Running::start(&["--tap", tap, "--address", address, "--mac", mac]);
    let hosts: Result<Vec<_>, _> = HOSTS.into_iter().map(start).collect();
    let hosts = hosts?;

    let interface: &[&str] = &["-I", "codes1"];
    let station: &[&str] = &["--tap", "asks1", "--address", "10.0.0.7/24"];
    for device in [interface, station] {
        // A port of a bridge takes a moment until it passes frames.
        wait_for("host on the bridge", || {
            let out = arping(device, &["-f", "-w", "0.1"], "10.0.0.4").ok()?;
            (out.0 == Some(0)).then_some(())
        })?;
        check_rows(device, CARRIED)?;
    }
    check_rows(&["-I", "down1"], BROKEN)?;
    check_rows(&["--tap", "down1", "--address", "10.0.0.7/24"], BROKEN)?;
    check_rows(&["-I", "absent1"], BROKEN)?;
    hosts.into_iter().try_for_each(|host| host.stop().map(drop))?;
    delete_link(&middle)
}

/// Asks all rows on a wire.
fn check_rows(device: &[&str], rows: &[Row]) -> TestResult {
    for &(name, options, target, code, named) in rows {
        let (ended, out, errors) = arping(device, options, target)?;
        assert_eq!(ended, Some(code), "{device:?}: {name}: {out}{errors}");
        assert!(named.iter().all(|host| out.contains(host)), "{device:?}: {name}: {out}");
        assert_eq!(out.contains(" from 10.0.0.") && out.contains('['), !named.is_empty(), "{name}: {out}");
        assert!(named != BOTH || out.contains("ms (DUP!)\n"), "{device:?}: {name}: {out}");
        assert_eq!(errors.lines().count(), usize::from(code == 2), "{device:?}: {name}: {errors}");
    }
    Ok(())
}

fn arping(device: &[&str], options: &[&str], target: &str) -> std::io::Result<(Option<i32>, String, String)> {
    Ok(exit_and_text(&run(&[&["arping"], device, options, &[target]].concat())?))
}
