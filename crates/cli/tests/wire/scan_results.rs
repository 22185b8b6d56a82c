//! `tapstack scan`: formats, files, names, and the comparison with an earlier scan.

use std::error::Error;
use std::process::{Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::capture::Scratch;
use super::running::Running;
use super::scan::range_of_four;
use super::screen::program;
use testbed::installed::installed;
use testbed::program::{command, exit_and_text, run};
use testbed::schema::check_lines;
use testbed::{Case, TestResult, wait_for};

pub(crate) const CASES: &[Case] = &[
    ("scan_prints_replies_as_csv_and_in_given_format", csv_and_format),
    ("scan_replaces_output_file_only_with_result", output_file),
    ("scan_compares_hosts_with_earlier_scan", comparison),
    ("scan_and_arping_resolve_names_in_both_directions", names),
    ("interrupted_scan_does_not_wait_for_names", names_after_signal),
];

/// Runs a scan of one pass. Returns exit code, standard output and standard error.
fn scan(words: &[&str]) -> std::io::Result<(Option<i32>, String, String)> {
    Ok(exit_and_text(&run(&[&["scan", "-r", "1"], words].concat())?))
}

/// Writes a vendor file for the hosts of [`range_of_four`].
fn vendors(name: &str) -> Result<Scratch, Box<dyn Error>> {
    let file = Scratch::new(name);
    std::fs::write(file.name(), "021100\tMakers, \"Sons\"\n021100000001\tHand\n")?;
    Ok(file)
}

fn csv_and_format() -> TestResult {
    let host = range_of_four("data0")?;
    let file = vendors("data.txt")?;
    let hosts = ["-I", "data0", "-t", "3000", "-M", "2", "-O", file.name(), "10.0.0.16-17"];
    let (code, out, errors) = scan(&[&hosts[..], &["--csv"]].concat())?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    let lines: Vec<_> = out.lines().collect();
    assert_eq!(lines[0], "ip,mac,vendor,name,rtt_ms,time,reply_number,other_mac");
    let starts =
        ["10.0.0.16,02:11:00:00:00:00,\"Makers, \"\"Sons\"\"\",,", "10.0.0.17,02:11:00:00:00:01,Hand,,"];
    for (line, start) in lines[1..].iter().zip(starts) {
        let rest = line.strip_prefix(start).ok_or_else(|| format!("{line} should start with {start}"))?;
        let fields: Vec<_> = rest.split(',').collect();
        assert!(fields[0].parse::<f64>()? < 10_000.0 && fields[1].len() > 20, "{line}");
        assert_eq!(fields[2..], ["1", ""], "{line}");
    }
    assert_eq!(lines.len(), 3, "{out}");
    let format = "${ip;-12}|${mac}|${vendor;6}\\t${reply_number}${name}";
    let (code, out, errors) = scan(&[&hosts[..], &["--format", format]].concat())?;
    let expected =
        "10.0.0.16   |02:11:00:00:00:00|Makers, \"Sons\"\t1\n10.0.0.17   |02:11:00:00:00:01|  Hand\t1\n";
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(0), expected, ""));
    let rows: [(&[&str], &str); 3] = [
        (&["--format", "${host}"], "unknown field `host`\nhint: possible fields: ip, mac, "),
        (&["--csv", "--json"], "'--csv' cannot be used with '--json'"),
        (&["--csv", "--format", "x"], "'--csv' cannot be used with '--format"),
    ];
    for (more, part) in rows {
        let (code, out, errors) = scan(&[&hosts[..], more].concat())?;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{more:?}");
        assert!(errors.contains(part), "{more:?}: {errors}");
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn output_file() -> TestResult {
    let host = range_of_four("data1")?;
    let (file, new) = (Scratch::new("result.txt"), Scratch::new("absent.txt"));
    let on = ["-I", "data1", "-q", "-x", "-o"];
    let hosts = ["-t", "3000", "-M", "1", "10.0.0.18"];
    std::fs::write(file.name(), "an earlier and longer result".repeat(10))?;
    let (code, out, errors) = scan(&[&on[..], &[file.name()], &hosts].concat())?;
    assert_eq!((code, out.as_str(), errors.as_str()), (Some(0), "", ""));
    let expected = "10.0.0.18\t02:11:00:00:00:02\n";
    assert_eq!(std::fs::read_to_string(file.name())?, expected);
    // A scan of the sender address has no result.
    for path in [&file, &new] {
        let (code, out, errors) = scan(&[&on[..], &[path.name(), "10.0.0.1"]].concat())?;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
    }
    assert_eq!(std::fs::read_to_string(file.name())?, expected);
    assert!(!std::path::Path::new(new.name()).exists(), "an empty file is left");
    // A scan without a reply has a result.
    let (code, _, errors) = scan(&["-I", "data1", "-t", "60", "--csv", "-o", new.name(), "10.0.0.30"])?;
    assert_eq!((code, errors.as_str()), (Some(1), ""));
    let header = "ip,mac,vendor,name,rtt_ms,time,reply_number,other_mac\n";
    assert_eq!(std::fs::read_to_string(new.name())?, header);
    // Text without colors, and JSON.
    for (format, last) in [(&["-q"][..], " 1 responded\n"), (&["--json"], "}\n")] {
        let words = [&["-I", "data1", "--color", "always", "-o", file.name()], format, &hosts].concat();
        assert_eq!(scan(&words)?.0, Some(0));
        let text = std::fs::read_to_string(file.name())?;
        assert!(text.ends_with(last) && !text.contains('\u{1b}'), "{text}");
    }
    // A scan that was interrupted after the first reply keeps the file, and leaves no new file.
    std::fs::write(file.name(), expected)?;
    std::fs::remove_file(new.name())?;
    for path in [&file, &new] {
        let slow =
            ["scan", "-I", "data1", "-q", "-x", "-i", "200", "-o", path.name(), "10.0.0.16-10.0.0.255"];
        let (code, _, errors) = interrupt(&mut command(&slow))?;
        assert_eq!(code, Some(2), "{errors}");
        assert!(errors.contains("interrupted before the "), "{errors}");
    }
    assert_eq!(std::fs::read_to_string(file.name())?, expected);
    assert!(!std::path::Path::new(new.name()).exists(), "an empty file is left");
    let (code, _, errors) = scan(&["-I", "data1", "-q", "-o", "/nonexistent/file", "10.0.0.18"])?;
    assert_eq!(code, Some(2));
    assert!(errors.contains("cannot write /nonexistent/file: No such file or directory"), "{errors}");
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

/// Starts a scan, and interrupts it after its first requests. Returns exit code, standard output and standard error.
fn interrupt(scan: &mut Command) -> Result<(Option<i32>, String, String), Box<dyn Error>> {
    let child = scan.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let status = format!("/proc/{}/status", child.id());
    wait_for("block of SIGINT by the scan", || {
        let status = std::fs::read_to_string(&status).ok()?;
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:"))?.trim();
        (u64::from_str_radix(blocked, 16).ok()? & 2 != 0).then_some(())
    })?;
    std::thread::sleep(std::time::Duration::from_millis(300));
    kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGINT)?;
    Ok(exit_and_text(&child.wait_with_output()?))
}

fn comparison() -> TestResult {
    let host = range_of_four("data2")?;
    let (old, new) = (Scratch::new("old.csv"), Scratch::new("new.csv"));
    let on = ["-I", "data2", "-t", "1000", "10.0.0.14-20"];
    assert_eq!(scan(&[&on[..], &["--csv", "-o", old.name()]].concat())?.0, Some(0));
    let (code, out, errors) = scan(&[&on[..], &["-q", "--compare", old.name()]].concat())?;
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    assert!(out.ends_with(" 4 responded\n0 differences\n") && !out.contains("\n10.0.0.16"), "{out}");
    // The file may be replaced by the new scan.
    let all = [&on[..], &["-q", "-x", "--compare", old.name(), "-o", old.name()]].concat();
    assert_eq!(scan(&all)?, (Some(0), String::new(), String::new()));
    assert_eq!(std::fs::read_to_string(old.name())?.lines().count(), 4);

    let earlier = "10.0.0.14\t02:00:00:00:00:07\n10.0.0.16\t02:00:00:00:00:08\n10.0.0.17\t02:11:00:00:00:01\n\
        10.0.0.18\t02:11:00:00:00:02\n10.0.9.9\t02:00:00:00:00:09\n";
    std::fs::write(old.name(), earlier)?;
    let words = [&on[..], &["--compare", old.name(), "--csv", "-o", new.name()]].concat();
    let (code, out, errors) = scan(&words)?;
    let expected = "gone 10.0.0.14 was at 02:00:00:00:00:07\n\
        moved 10.0.0.16 from 02:00:00:00:00:08 to 02:11:00:00:00:00\n\
        added 10.0.0.19 is at 02:11:00:00:00:03\n";
    assert_eq!((code, out.as_str()), (Some(1), expected));
    assert_eq!(errors, "tapstack: ignored 1 host of the earlier scan: not among the targets\n");
    assert_eq!(std::fs::read_to_string(new.name())?.lines().count(), 5);
    let (code, out, _) = scan(&[&on[..], &["--compare", old.name(), "--json"]].concat())?;
    check_lines("scan", &out);
    let objects: Vec<serde_json::Value> = out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let events: Vec<_> = objects.iter().map(|object| object["event"].as_str().unwrap_or_default()).collect();
    assert_eq!((code, events), (Some(1), vec!["start", "gone", "moved", "added", "statistics"]));
    assert_eq!(objects[4]["differences"], 3);
    // All hosts are gone.
    let silent = ["-I", "data2", "-t", "60", "-x", "10.0.0.14", "--compare", old.name()];
    let (code, out, _) = scan(&silent)?;
    assert_eq!((code, out.as_str()), (Some(1), "gone 10.0.0.14 was at 02:00:00:00:00:07\n"));
    // An interrupted scan has no result.
    let slow = ["scan", "-I", "data2", "-q", "-i", "200", "--compare", old.name(), "10.0.0.16-10.0.0.255"];
    let (code, out, errors) = Running::command(&slow)?.stop()?;
    assert_eq!(code, Some(2), "{out}");
    assert!(errors.contains("no result of the "), "{errors}");
    assert!(!out.contains("gone"), "{out}");
    for (path, more, part) in [
        ("/dev/null", &[][..], "cannot read /dev/null: the file is empty"),
        ("/nonexistent", &[], "cannot read /nonexistent: No such file"),
        (
            old.name(),
            &["--csv"],
            "--csv has no effect with --compare alone\nhint: add -o FILE for the replies",
        ),
        (old.name(), &["--csv", "-o", "-"], "--csv has no effect with --compare alone"),
        ("/proc/self/exe", &[], "cannot read /proc/self/exe: not a text file"),
        (old.name(), &["--resolve"], "--resolve has no effect with --compare alone"),
        (old.name(), &["-M", "1"], "cannot be used with"),
    ] {
        let (code, _, errors) = scan(&[&on[..], &["--compare", path], more].concat())?;
        assert_eq!(code, Some(2), "{path} {more:?}");
        assert!(errors.contains(part), "{path} {more:?}: {errors}");
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

/// Runs the program with this file instead of `/etc/hosts`, and without other sources of names.
fn run_with_hosts(hosts: &Scratch, words: &[&str]) -> Result<Output, Box<dyn Error>> {
    let switch = Scratch::new("nsswitch.conf");
    std::fs::write(switch.name(), "hosts: files\n")?;
    Ok(with_files(&[(hosts, "/etc/hosts"), (&switch, "/etc/nsswitch.conf")], words)?.output()?)
}

/// Returns a command that runs the program with these files instead of the existing files of the resolver.
fn with_files(files: &[(&Scratch, &str)], words: &[&str]) -> Result<Command, Box<dyn Error>> {
    // Without nscd's socket, the C library reads the files itself.
    let script = "set -e\n\
        while [ \"$1\" != -- ]; do [ ! -e \"$2\" ] || mount --bind \"$1\" \"$2\"; shift 2; done\n\
        [ ! -d /run/nscd ] || mount -t tmpfs none /run/nscd\n\
        shift\n\
        exec \"$@\"";
    let mut command = Command::new(installed("unshare")?);
    command.args(["-m", "sh", "-c", script, "sh"]);
    for (file, place) in files {
        command.args([file.name(), place]);
    }
    command.arg("--").arg(program()).args(words);
    Ok(command)
}

/// A server of names that does not reply.
fn names_after_signal() -> TestResult {
    installed("mount")?;
    let host = range_of_four("data5")?;
    let [hosts, switch, resolver] = ["none", "dns.conf", "resolv.conf"].map(Scratch::new);
    std::fs::write(hosts.name(), "127.0.0.1 localhost\n")?;
    std::fs::write(switch.name(), "hosts: files dns\n")?;
    let set_timeout = |seconds: u8| {
        let text = format!("nameserver 127.0.0.1\noptions timeout:{seconds} attempts:1\n");
        std::fs::write(resolver.name(), text)
    };
    let _server = std::net::UdpSocket::bind("127.0.0.1:53")?;
    let files = [(&hosts, "/etc/hosts"), (&switch, "/etc/nsswitch.conf"), (&resolver, "/etc/resolv.conf")];
    let on = ["scan", "-I", "data5", "-x", "-q", "--resolve"];
    set_timeout(1)?;
    let one = with_files(&files, &[&on[..], &["-M", "1", "10.0.0.16"]].concat())?.output()?;
    let (code, out, errors) = exit_and_text(&one);
    assert_eq!((code, out.as_str()), (Some(0), "10.0.0.16\t02:11:00:00:00:00\t-\n"), "{errors}");
    assert!(errors.contains("not all names were looked up: "), "{errors}");
    // The interrupted scan ends before the lookups.
    set_timeout(30)?;
    let slow = [&on[..], &["-i", "200", "10.0.0.16-10.0.0.255"]].concat();
    let (code, out, errors) = interrupt(&mut with_files(&files, &slow)?)?;
    // On a busy machine, the signal may arrive before the first reply.
    let has_reply = out.starts_with("10.0.0.16\t02:11:00:00:00:00\t-\n");
    assert_eq!(code, Some(if has_reply { 0 } else { 2 }), "{out}{errors}");
    assert!(!errors.contains("looked up"), "the interrupted scan has waited for names: {errors}");
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}

fn names() -> TestResult {
    installed("mount")?;
    let host = range_of_four("data3")?;
    let hosts = Scratch::new("hosts");
    std::fs::write(hosts.name(), "127.0.0.1 localhost\n10.0.0.16 sixteen.example\n")?;
    let on = ["-I", "data3"];
    let sixteen = ["sixteen.example", "-t", "3000", "-M", "1", "-q"];
    let rows: [(&[&str], &str); 3] = [
        (
            &[&["scan", "--resolve", "-x"], &on[..], &sixteen].concat(),
            "10.0.0.16\t02:11:00:00:00:00\tsixteen.example\n",
        ),
        (&[&["scan", "-x"], &on[..], &sixteen].concat(), "10.0.0.16\t02:11:00:00:00:00\n"),
        (&["arping", "-c", "1", "-w", "9", "sixteen.example"], "ARPING 10.0.0.16 from 10.0.0.1 data3\n"),
    ];
    for (words, start) in rows {
        let (code, out, errors) = exit_and_text(&run_with_hosts(&hosts, words)?);
        assert_eq!((code, errors.as_str()), (Some(0), ""), "{words:?}: {out}");
        assert!(out.starts_with(start), "{words:?}: {out}");
    }
    // The name of an invalid target is an invalid target.
    let rows: [(&[&str], &str); 3] = [
        (&["scan", "-I", "data3", "localhost"], "invalid value 'localhost' for '[RANGE]...': 127.0.0.1 is a"),
        (&["arping", "-I", "data3", "localhost"], "invalid target 127.0.0.1: a loopback address"),
        (&["ping", "--tap", "data4", "--address", "10.1.0.2/24", "localhost"], "127.0.0.1"),
    ];
    for (words, part) in rows {
        let (code, out, errors) = exit_and_text(&run_with_hosts(&hosts, words)?);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{words:?}: {errors}");
        assert!(errors.contains(part), "{words:?}: {errors}");
    }
    assert_eq!(host.stop()?.0, Some(0));
    Ok(())
}
