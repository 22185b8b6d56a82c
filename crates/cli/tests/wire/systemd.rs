//! The systemd unit of the page of daily jobs.

use std::fs;
use std::process::{Command, Stdio};

use testbed::installed::installed;
use testbed::program::exit_and_text;
use testbed::{Case, TestResult, UNPRIVILEGED_UID};

use super::replay::{JOBS, file, prepare_folder, search_path};

pub(crate) const CASES: &[Case] = &[
    ("systemd_accepts_every_line_of_unit", valid_unit),
    ("command_of_systemd_unit_needs_cap_net_raw_only", command_with_one_capability),
];

/// Path of the program in the unit.
const PROGRAM: &str = "/usr/local/bin/tapstack";

/// Returns the unit on the page.
fn unit() -> Result<String, Box<dyn std::error::Error>> {
    let page = std::str::from_utf8(file(JOBS)?)?;
    let rest = page.split_once("```ini\n").ok_or("the page has no unit")?.1;
    Ok(rest.split_once("```").ok_or("the unit has no end")?.0.to_owned())
}

fn valid_unit() -> TestResult {
    let analyze = installed("systemd-analyze")?;
    let folder = prepare_folder()?;
    let program = folder.join("bin/tapstack");
    let path = folder.join("tapstack-host.service");
    fs::write(folder.join("other.service"), "[Service]\nExecStart=/bin/true\nUnknown=1\n")?;
    let verify = |unit: &str| -> Result<String, Box<dyn std::error::Error>> {
        let unit = unit.replace("[Unit]\n", "[Unit]\nWants=other.service\n");
        fs::write(&path, unit.replace(PROGRAM, &program.to_string_lossy()))?;
        let output = Command::new(&analyze).args(["verify", "--man=no"]).arg(&path).output()?;
        let (code, out, errors) = exit_and_text(&output);
        assert_eq!(code, Some(0), "{out}{errors}");
        // systemd-analyze also prints the warnings of other units.
        let all = out + &errors;
        Ok(all.lines().filter(|line| line.contains("tapstack-host.service")).collect::<Vec<_>>().join("\n"))
    };
    assert_eq!(verify(&unit()?)?, "");
    let errors = verify(&unit()?.replace("DynamicUser", "DynamicUsers"))?;
    assert!(errors.contains("DynamicUsers"), "an unknown setting was accepted: {errors}");
    Ok(())
}

/// Runs the command of the unit with the capability of the unit, until the host is ready.
fn command_with_one_capability() -> TestResult {
    let unit = unit()?;
    let value = |key: &str| {
        let line = unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.ok_or(format!("the unit has no line {key}"))
    };
    let command = value("ExecStart")?.replace(PROGRAM, "tapstack");
    let capability = value("AmbientCapabilities")?.to_lowercase();
    assert_eq!(value("CapabilityBoundingSet")?.to_lowercase(), capability);
    assert_eq!(value("DynamicUser")?, "yes");
    for program in ["ip", "setpriv"] {
        installed(program)?;
    }
    let capability = capability.trim_start_matches("cap_");
    // The user namespace of an unprivileged user has no other user.
    let users = fs::read_to_string("/proc/self/uid_map")?;
    let has_users = users.split_whitespace().nth(2).is_some_and(|count| count != "1");
    let user = if has_users { format!("--reuid={UNPRIVILEGED_UID}") } else { String::new() };
    let start = |capabilities: &str| {
        format!(
            "setpriv {user} --bounding-set=-all{capabilities} --inh-caps=-all{capabilities} \
             --ambient-caps=-all{capabilities} {command}"
        )
    };
    let script = format!(
        "set -e\n\
         ip link add eth0 type veth peer name peer0; ip link set eth0 up; ip link set peer0 up\n\
         code=0; {} || code=$?; [ $code -eq 2 ]\n\
         mkfifo ready; {} > ready & host=$!\n\
         exec 3< ready; read -r line <&3; echo \"$line\"\n\
         kill $host; wait $host",
        start(""),
        start(&format!(",+{capability}")),
    );
    let folder = prepare_folder()?;
    let output = Command::new("sh")
        .args(["-c", &script])
        .current_dir(&folder)
        .env("PATH", search_path(&folder)?)
        .stdin(Stdio::null())
        .output()?;
    let (code, out, errors) = exit_and_text(&output);
    assert_eq!(code, Some(0), "{out}{errors}");
    assert!(out.starts_with("ready eth0 ") && out.ends_with(" 192.0.2.9/24\n"), "{out}{errors}");
    assert!(errors.starts_with("tapstack: cannot open a packet socket on eth0: "), "{errors}");
    Ok(())
}
