//! The Linux kernel as a host under test, at the other end of a veth pair.
//!
//! The other end is in the network namespace of a child process. The child is this program with a hidden first
//! argument. On command, the child configures the kernel or prints the kernel's neighbor table.

use std::fs;
use std::io::{BufRead, Write};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::time::Duration;

use ipnet::Ipv4Net;
use serde_json::{Value, json};
use tap::linux::{Interface, InterfaceName, Namespace, kernel_neighbors};

use super::child_output::JsonLines;
use super::frames::{STATIC, STATIC_MAC, TESTED_IP, TESTED_MAC, mac};
use super::linux_services;
use super::tested_host::{ArpCache, TestedHost, entry};
use testbed::installed::installed;
use testbed::suite::SuiteResult;

/// Interface of the suite.
const SUITE_END: &str = "suite0";
/// Interface of the kernel under test.
const TESTED_END: &str = "tested0";
/// Timeout for the child.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The kernel as 10.0.0.2 in another namespace.
pub struct LinuxHost {
    child: Child,
    commands: ChildStdin,
    lines: JsonLines,
}

impl LinuxHost {
    /// Creates the veth pair and the second namespace. Returns the kernel and the interface of the suite. The interface
    /// has no address and does not use ARP.
    pub fn start() -> Result<(LinuxHost, InterfaceName), String> {
        let mut child = Command::new("/proc/self/exe")
            .arg(CHILD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start the child: {error}"))?;
        let lines = JsonLines::of(child.stdout.take().ok_or("the child has no standard output")?);
        let commands = child.stdin.take().ok_or("the child has no standard input")?;
        let mut linux = LinuxHost { child, commands, lines };
        linux.wait_for("namespace")?;
        let (pid, tested) = (linux.child.id().to_string(), mac(TESTED_MAC));
        let pair = ["link", "add", SUITE_END, "arp", "off", "type", "veth", "peer", "name", TESTED_END];
        // The kernel sends each TCP segment in a frame of its own, as on a line.
        ip(&[&pair[..], &["gso_max_segs", "1", "address", &tested, "netns", &pid]].concat())
            .map_err(|error| format!("cannot create a veth pair: {error}"))?;
        linux.send_command("configure")?;
        linux.wait_for("configured")?;
        // The other end is already up, so this end has a carrier immediately.
        ip(&["link", "set", SUITE_END, "up"])?;
        Ok((linux, SUITE_END.parse().map_err(|error| format!("{error}"))?))
    }

    /// Starts the services echo and discard.
    pub(crate) fn start_services(&mut self) -> Result<(), String> {
        self.send_command("serve")?;
        self.wait_for("serving").map(drop)
    }

    fn send_command(&mut self, command: &str) -> Result<(), String> {
        writeln!(self.commands, "{command}").map_err(|error| format!("cannot write to the child: {error}"))
    }

    /// Waits for the line of this event. Returns the lines before it.
    fn wait_for(&mut self, event: &str) -> Result<Vec<Value>, String> {
        let mut before = Vec::new();
        loop {
            let line = self.lines.next(TIMEOUT).map_err(|error| format!("child process: {error}"))?;
            if line.get("event").and_then(Value::as_str) == Some(event) {
                return Ok(before);
            }
            before.push(line);
        }
    }
}

impl TestedHost for LinuxHost {
    fn table(&mut self, _: &mut dyn FnMut() -> Result<(), String>) -> Result<ArpCache, String> {
        self.send_command("table")?;
        Ok(self.wait_for("end")?.iter().filter_map(entry).collect())
    }

    fn take_events(&mut self) -> Vec<Value> {
        Vec::new()
    }

    fn is_alive(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none())
    }
}

impl Drop for LinuxHost {
    fn drop(&mut self) {
        // Errors are ignored, because the child may have ended. The kernel then removes the namespace and the veth
        // pair.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// First argument of the child.
const CHILD: &str = "linux-child";

/// Runs the commands of the child if this process is the child. Otherwise returns `None`.
///
/// A program that calls [`LinuxHost::start`] must call this function first in `main`.
pub fn child() -> Option<SuiteResult> {
    let is_child = std::env::args_os().nth(1).is_some_and(|argument| argument == CHILD);
    is_child.then(hold_namespace)
}

/// Holds a namespace and executes commands until standard input ends.
fn hold_namespace() -> SuiteResult {
    Namespace::enter().map_err(|error| error.to_string())?;
    println!("{}", json!({"event": "namespace"}));
    let name: InterfaceName = TESTED_END.parse().map_err(|error| format!("{error}"))?;
    let interface = Interface::named(&name).map_err(|error| error.to_string())?;
    for command in std::io::stdin().lock().lines().map_while(Result::ok) {
        match command.as_str() {
            "configure" => {
                configure(&interface)?;
                println!("{}", json!({"event": "configured"}));
            }
            "serve" => {
                linux_services::start()?;
                println!("{}", json!({"event": "serving"}));
            }
            _ => print_table(&interface)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Settings that are reset to their default 0, because a new namespace may inherit other values.
const DISABLED_SYSCTLS: [&str; 8] = [
    "arp_accept",
    "arp_ignore",
    "arp_filter",
    "drop_gratuitous_arp",
    "proxy_arp",
    "forwarding",
    "rp_filter",
    "accept_local",
];

/// Configures the kernel under test: settings, its address and a static neighbor.
fn configure(interface: &Interface) -> Result<(), String> {
    for name in DISABLED_SYSCTLS {
        for scope in ["all", TESTED_END] {
            set(&format!("conf/{scope}/{name}"), "0")?;
        }
    }
    // By default, the kernel accepts a new MAC address only after a second, so that results would depend on time.
    set(&format!("neigh/{TESTED_END}/locktime"), "-1")?;
    let address = Ipv4Net::new(TESTED_IP, 24).map_err(|error| error.to_string())?;
    interface.add_address(address).map_err(|error| error.to_string())?;
    interface.set_up(true).map_err(|error| error.to_string())?;
    let (address, mac_address) = (STATIC.to_string(), mac(STATIC_MAC));
    ip(&["neigh", "add", &address, "lladdr", &mac_address, "nud", "permanent", "dev", TESTED_END])
}

/// Writes a sysctl under `net.ipv4`.
pub fn set(name: &str, value: &str) -> Result<(), String> {
    let path = format!("/proc/sys/net/ipv4/{name}");
    fs::write(&path, value).map_err(|error| format!("cannot write {path}: {error}"))
}

fn print_table(interface: &Interface) -> Result<(), String> {
    for entry in kernel_neighbors(interface).map_err(|error| error.to_string())? {
        println!(
            "{}",
            json!({
                "event": "neighbor",
                "ip": entry.address,
                "mac": entry.mac_address.map(mac),
            })
        );
    }
    println!("{}", json!({"event": "end"}));
    Ok(())
}

/// Runs `ip` of iproute2.
pub fn ip(arguments: &[&str]) -> Result<(), String> {
    let words = arguments.join(" ");
    let program = installed("ip").map_err(|absent| format!("{absent}: sudo apt install iproute2"))?;
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("cannot run `ip`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("`ip {words}`: {}", String::from_utf8_lossy(&output.stderr).trim()))
}
