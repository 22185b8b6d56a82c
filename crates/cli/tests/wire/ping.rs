//! Tests of `tapstack ping`.

use nix::sys::signal::Signal;

use super::claims::Bridged;
use super::running::Running;
use testbed::program::{exit_and_text, run};
use testbed::schema::check_lines;
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("ping_reaches_kernel_with_each_data_size", data_sizes),
    ("ping_reaches_second_host_over_bridge", over_bridge),
    ("ping_crosses_router_and_reports_icmp_errors", over_router),
    ("ping_prints_statistics_on_signal", signal),
    ("ping_ends_when_output_is_closed", output_closed),
    ("ping_sends_request_in_any_number_of_fragments", request_in_many_fragments),
    ("ping_prints_summary_or_json_by_option", quiet_or_json),
    ("ping_exits_2_with_message_for_invalid_targets", invalid_targets),
];

/// Arguments for a ping on a new TAP, with the kernel at 10.0.0.1/24.
const NEAR: [&str; 7] = ["ping", "--tap", "ping0", "--address", "10.0.0.2/24", "--kernel", "10.0.0.1/24"];

/// Interval of requests, in seconds, and minimum time for which ping waits for the last reply.
const INTERVAL: &str = "0.3";

/// Runs a ping to its end. Returns exit code, standard output and standard error.
fn ping(arguments: &[&str], more: &[&str]) -> std::io::Result<(Option<i32>, String, String)> {
    Ok(exit_and_text(&run(&[arguments, more].concat())?))
}

fn data_sizes() -> TestResult {
    for size in [0, 56, 1_472, 1_473, 8_000, 65_507] {
        let (code, out, errors) =
            ping(&NEAR, &["-c", "3", "-i", INTERVAL, "-s", &size.to_string(), "10.0.0.1"])?;
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
        let lines: Vec<_> = out.lines().collect();
        assert_eq!(lines[0], format!("PING 10.0.0.1 (10.0.0.1) {size}({}) bytes of data.", size + 28));
        for (line, sequence) in lines[1..4].iter().zip(1..) {
            let start = format!("{} bytes from 10.0.0.1: icmp_seq={sequence} ttl=64", size + 8);
            assert!(line.starts_with(&start), "{out}");
            assert_eq!(line.contains(" time="), size > 0, "{out}");
        }
        assert_eq!(lines[4..6], ["", "--- 10.0.0.1 ping statistics ---"]);
        let counts = "3 packets transmitted, 3 received, 0% packet loss, time ";
        assert!(lines[6].starts_with(counts) && lines[6].ends_with("ms"), "{out}");
        assert_eq!(lines[7].starts_with("rtt min/avg/max/mdev = "), size > 0, "{out}");
        assert_eq!(lines.len(), 8, "{out}");
    }
    Ok(())
}

fn over_bridge() -> TestResult {
    let _wire = Bridged::new()?;
    let far = Running::start(&["--tap", "far0", "--address", "10.0.0.3/24"])?;
    let near = ["ping", "--tap", "near0", "--address", "10.0.0.2/24"];
    for size in ["56", "8000"] {
        let (code, out, errors) = ping(&near, &["-c", "2", "-i", INTERVAL, "-s", size, "10.0.0.3"])?;
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
        assert!(out.contains(" bytes from 10.0.0.3: icmp_seq=1 ttl=64 time="), "{out}");
        assert!(out.contains("\n2 packets transmitted, 2 received, 0% packet loss, time "), "{out}");
    }
    // With --probe, ping does not use the address of another host.
    let near = ["ping", "--tap", "near0", "--address", "10.0.0.3/24", "--probe"];
    let (code, out, errors) = ping(&near, &["-c", "1", "10.0.0.1"])?;
    assert_eq!(code, Some(2), "{out}");
    assert!(errors.starts_with("tapstack: cannot use 10.0.0.3: 02:"), "{errors}");
    assert!(out.ends_with("0 packets transmitted, 0 received\n\n"), "{out}");
    let (_, out, _) = far.stop()?;
    assert!(out.contains(" 4  icmp: echo replies sent\n"), "{out}");
    Ok(())
}

/// Enables IP forwarding in the kernel until the guard is dropped.
struct Forwarding;

const FORWARD: &str = "/proc/sys/net/ipv4/ip_forward";

impl Forwarding {
    fn on() -> std::io::Result<Forwarding> {
        std::fs::write(FORWARD, "1")?;
        Ok(Forwarding)
    }
}

impl Drop for Forwarding {
    fn drop(&mut self) {
        let _ = std::fs::write(FORWARD, "0");
    }
}

/// The kernel is the router between 10.0.0.0/24 and 10.9.0.0/24.
fn over_router() -> TestResult {
    let _router = Forwarding::on()?;
    // Resolution fails after three seconds. The command runs during the other checks.
    let alone = ["ping", "--tap", "alone0", "--address", "10.7.0.2/24", "--kernel", "10.7.0.1/24"];
    let unresolved = Running::command(&[&alone[..], &["-c", "2", "-i", "0.1", "10.7.0.9"]].concat())?;
    let other = ["--tap", "behind0", "--address", "10.9.0.2/24", "--kernel", "10.9.0.1/24"];
    let host = Running::start(&[&other[..], &["--gateway", "10.9.0.1"]].concat())?;
    let near = [&NEAR[..], &["--gateway", "10.0.0.1", "-c", "2", "-i", "0.05"]].concat();

    let (code, out, _) = ping(&near, &["10.9.0.2"])?;
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("\n64 bytes from 10.9.0.2: icmp_seq=1 ttl=63 time="), "{out}");
    assert!(out.contains("\n2 packets transmitted, 2 received, 0% packet loss, time "), "{out}");

    // No host has the address of the preferred gateway.
    let dead =
        [&NEAR[..], &["--gateway", "10.0.0.9", "--gateway", "10.0.0.1", "-c", "1", "-W", "60"]].concat();
    let (code, out, _) = ping(&dead, &["10.9.0.2"])?;
    assert_eq!(code, Some(0), "{out}");
    assert!(out.contains("\n64 bytes from 10.9.0.2: icmp_seq=1 ttl=63 time="), "{out}");

    let (code, out, _) = ping(&near, &["-t", "1", "10.9.0.2"])?;
    assert_eq!(code, Some(1), "{out}");
    let exceeded = |sequence| format!("\nFrom 10.0.0.1 icmp_seq={sequence} Time to live exceeded\n");
    assert!(out.contains(&exceeded(1)) && out.contains(&exceeded(2)), "{out}");
    assert!(out.contains("\n2 packets transmitted, 0 received, +2 errors, 100% packet loss, time "), "{out}");

    let (code, out, _) = ping(&near, &["10.9.0.9"])?;
    assert_eq!(code, Some(1), "{out}");
    assert!(out.contains("\nFrom 10.0.0.1 icmp_seq=1 Destination Host Unreachable\n"), "{out}");

    let (code, out, errors) = unresolved.end()?;
    assert_eq!((code, errors.as_str()), (Some(1), ""), "{out}");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(
        lines[..4],
        [
            "From 10.7.0.2 icmp_seq=1 Destination Host Unreachable",
            "From 10.7.0.2 icmp_seq=2 Destination Host Unreachable",
            "",
            "--- 10.7.0.9 ping statistics ---",
        ]
    );
    let counts = "2 packets transmitted, 0 received, +2 errors, 100% packet loss, time ";
    assert!(lines[4].starts_with(counts) && lines[5] == "pipe 2", "{out}");
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn signal() -> TestResult {
    for (signal, target, expected) in
        [(Signal::SIGINT, "10.0.0.1", Some(0)), (Signal::SIGTERM, "10.0.0.9", Some(1))]
    {
        let mut ping = Running::command(&[&NEAR[..], &["-i", "0.01", target]].concat())?;
        if expected == Some(0) {
            ping.line()?;
        }
        ping.signal(signal)?;
        let (code, out, errors) = ping.end()?;
        assert_eq!((code, errors.as_str()), (expected, ""), "{out}");
        assert!(out.contains(&format!("\n--- {target} ping statistics ---\n")), "{out}");
    }
    Ok(())
}

fn output_closed() -> TestResult {
    let mut ping = Running::command(&[&NEAR[..], &["-i", "0.01", "10.0.0.1"]].concat())?;
    assert!(ping.line()?.contains("icmp_seq=1 "));
    ping.close_output();
    wait_for("end of the ping", || ping.has_ended().then_some(()))?;
    assert_eq!(ping.end()?.0, Some(0));
    Ok(())
}

fn request_in_many_fragments() -> TestResult {
    // 1,251 fragments, more than any queue of the host holds. The kernel does not send replies of this length.
    let large = ["--mtu", "68", "-s", "60000", "-c", "2", "-i", INTERVAL, "-W", "1", "10.0.0.1"];
    let (_, out, errors) = ping(&NEAR, &large)?;
    assert!(out.contains("\n2 packets transmitted,") && errors.is_empty(), "{out}{errors}");
    assert_eq!(kernel_counter("ReasmOKs")?, 2, "the kernel did not receive all fragments");
    Ok(())
}

/// Returns an IP counter of the kernel in this namespace.
fn kernel_counter(name: &str) -> Result<u64, Box<dyn std::error::Error>> {
    let snmp = std::fs::read_to_string("/proc/self/net/snmp")?;
    let mut lines = snmp.lines().filter(|line| line.starts_with("Ip: ")).map(str::split_whitespace);
    let (names, values) = lines.next().zip(lines.next()).ok_or("no IP counters")?;
    let value = names.zip(values).find(|(counter, _)| *counter == name).ok_or("no such counter")?.1;
    Ok(value.parse()?)
}

fn quiet_or_json() -> TestResult {
    let (code, out, _) = ping(&NEAR, &["-q", "-c", "2", "-i", "0.01", "10.0.0.1"])?;
    assert_eq!(code, Some(0));
    assert!(out.starts_with("PING ") && out.contains("\n\n--- ") && !out.contains("icmp_seq"), "{out}");

    let (code, out, _) = ping(&NEAR, &["--json", "-c", "2", "-i", "0.01", "10.0.0.1"])?;
    assert_eq!(code, Some(0));
    check_lines("ping", &out);
    let objects: Vec<serde_json::Value> = out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let events: Vec<_> = objects.iter().map(|object| object["event"].as_str().unwrap_or_default()).collect();
    assert_eq!(events, ["start", "reply", "reply", "statistics"]);
    assert_eq!(objects[3]["received"], 2);
    Ok(())
}

fn invalid_targets() -> TestResult {
    let cases: [(&[&str], &str); 9] = [
        (&["10.0.0.2"], "tapstack: invalid target 10.0.0.2: the address of tapstack itself"),
        (&["10.0.0.255"], "tapstack: invalid target 10.0.0.255: a broadcast address"),
        (&["224.0.0.1"], "tapstack: invalid target 224.0.0.1: a multicast address"),
        (&["192.0.2.1"], "no route to 192.0.2.1\nhint: add a route with --gateway or --route"),
        (&["127.0.0.1"], "127.0.0.1"),
        (&["-i", "0", "10.0.0.1"], "from 0.001 to 86400"),
        (&["-W", "nan", "10.0.0.1"], "from 0.001 to 86400"),
        (&["-s", "65508", "10.0.0.1"], "from 0 to 65507"),
        (&["-c", "0", "10.0.0.1"], "of at least 1"),
    ];
    for (arguments, part) in cases {
        let (code, out, errors) = ping(&NEAR, arguments)?;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{arguments:?}: {errors}");
        assert!(errors.contains(part), "{arguments:?}: {errors}");
    }
    Ok(())
}
