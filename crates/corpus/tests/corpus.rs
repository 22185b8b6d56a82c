//! Tests of `corpus` with scripts in place of the programs that it compares.

#![allow(clippy::disallowed_types, reason = "tests start programs and read their output")]

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

type TestResult = Result<(), Box<dyn Error>>;

const LOCAL: &str =
    r#"{"number":1,"captured_bytes":20,"ethernet":{"offset":0,"type_or_length":2054},"faults":[]}"#;
const PEER: &str = r#"<pdml><packet><proto name="frame" size="20" pos="0">
<field name="frame.number" size="0" pos="0" show="1"/><field name="frame.cap_len" size="0" pos="0" show="20"/></proto>
<proto name="eth" size="14" pos="0"><field name="eth.type" size="2" pos="12" show="0x0806" value="0806"/>
<field name="eth.padding" size="6" pos="14" show="00" value="00"/></proto></packet></pdml>"#;

/// Only one test runs at a time, because a script that a test is writing must not be open in a child of another test.
static TEST_LOCK: Mutex<()> = Mutex::new(());

/// A directory with scripts in place of programs, and with captures that the scripts do not read.
struct Fixture {
    root: PathBuf,
    _lock: MutexGuard<'static, ()>,
}

impl Fixture {
    fn new(name: &str) -> Result<Fixture, Box<dyn Error>> {
        let lock = TEST_LOCK.lock().unwrap_or_else(PoisonError::into_inner);
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        // Removes the files of an earlier run.
        if root.exists() {
            fs::remove_dir_all(&root)?;
        }
        for folder in ["bin", "captures/within"] {
            fs::create_dir_all(root.join(folder))?;
        }
        for name in ["a.pcap", "within/b.pcapng", "c.txt"] {
            fs::write(root.join("captures").join(name), "")?;
        }
        Ok(Fixture { root, _lock: lock })
    }

    /// Writes a script that prints a text, or with `--version` its name and a version.
    fn program(&self, name: &str, prints: &str) -> TestResult {
        let text = self.root.join(format!("{name}.text"));
        fs::write(&text, prints)?;
        let path = self.root.join("bin").join(name);
        let script = format!(
            "#!/bin/sh\nif [ \"$1\" = --version ]; then echo {name} 1; else exec /bin/cat {}; fi\n",
            text.display()
        );
        fs::write(&path, script)?;
        Ok(fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?)
    }

    /// Returns the exit code and the output of the command, standard error last.
    fn corpus(&self, more: &[&str]) -> Result<(Option<i32>, String), Box<dyn Error>> {
        let output = Command::new(env!("CARGO_BIN_EXE_corpus"))
            .arg("--program")
            .arg(self.root.join("bin/tapstack"))
            .arg(self.root.join("captures"))
            .args(more)
            .env("PATH", self.root.join("bin"))
            .output()?;
        let text = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8(text)?))
    }
}

#[test]
fn exit_code_is_0_when_rules_explain_all_differences_else_1() -> TestResult {
    let fixture = Fixture::new("corpus-rules")?;
    fixture.program("tapstack", &format!("{LOCAL}\n"))?;
    fixture.program("tshark", PEER)?;
    let (code, text) = fixture.corpus(&[])?;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("        2  padding\n"), "one in each capture: {text}");
    assert!(text.contains("2 captures, 2 frames, 8 values: 6 equal, 2 explained, 0 not"), "{text}");
    assert!(text.contains("lines not compared: tcpdump is not installed"), "{text}");
    fixture.program("tshark", &PEER.replace("0x0806", "0x0807"))?;
    let (code, text) = fixture.corpus(&[])?;
    assert_eq!(code, Some(1), "{text}");
    let text = "within/b.pcapng frame 1 ethernet.type_or_length: tapstack 2054, reference 2055\n";
    assert!(text.contains(text), "{text}");
    let (code, lines) = fixture.corpus(&["--json"])?;
    assert_eq!(code, Some(1));
    assert_eq!(lines.matches("\"event\":\"difference\"").count(), 2, "{lines}");
    for line in lines.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line)?.is_object(), "{line}");
    }
    Ok(())
}

#[test]
fn exit_code_is_1_for_missing_frame_and_2_without_programs_or_captures() -> TestResult {
    let fixture = Fixture::new("corpus-missing")?;
    fixture.program("tapstack", "")?;
    let (code, text) = fixture.corpus(&[])?;
    assert_eq!(
        (code, text.as_str()),
        (Some(2), "corpus: tshark is not installed: sudo apt install tshark\n")
    );
    fixture.program("tshark", PEER)?;
    let (code, text) = fixture.corpus(&[])?;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("a.pcap frame 1 capture: tapstack nothing, reference another frame\n"), "{text}");
    fs::remove_dir_all(fixture.root.join("captures"))?;
    fs::create_dir(fixture.root.join("captures"))?;
    let (code, text) = fixture.corpus(&[])?;
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("(.pcap, .pcapng or .cap)"), "{text}");
    Ok(())
}

#[test]
fn arp_lines_are_compared_with_tcpdump() -> TestResult {
    let fixture = Fixture::new("corpus-lines")?;
    // The script prints JSON or lines.
    let line = "02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Reply a";
    let script = format!("#!/bin/sh\nif [ \"$2\" = --json ]; then echo '{LOCAL}'; else echo '{line}'; fi\n");
    let path = fixture.root.join("bin/tapstack");
    fs::write(&path, script)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    fixture.program("tshark", PEER)?;
    fixture.program("tcpdump", &format!("    1  {line}\n"))?;
    let (code, text) = fixture.corpus(&[])?;
    assert_eq!(code, Some(0), "{text}");
    fixture.program("tcpdump", &format!("    1  {line}b\n"))?;
    let (code, text) = fixture.corpus(&[])?;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&format!("a.pcap frame 1 line: tapstack {line}, reference {line}b\n")), "{text}");
    fixture.program("tcpdump", "")?;
    let (code, text) = fixture.corpus(&[])?;
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains(&format!("a.pcap frame 1 line: tapstack {line}, reference nothing\n")), "{text}");
    // A capture that tcpdump rejects has no lines to compare.
    fs::write(fixture.root.join("bin/tcpdump"), "#!/bin/sh\n[ \"$1\" = --version ]\n")?;
    let (code, text) = fixture.corpus(&[])?;
    assert_eq!(code, Some(0), "{text}");
    Ok(())
}

#[test]
fn packets_other_than_ethernet_are_skipped_when_decode_counts_them() -> TestResult {
    let fixture = Fixture::new("corpus-foreign")?;
    let foreign = |number| {
        format!(
            "<packet><proto name=\"frame\" size=\"20\" pos=\"0\"><field name=\"frame.encap_type\" size=\"0\" \
             pos=\"0\" show=\"25\"/><field name=\"frame.number\" size=\"0\" pos=\"0\" show=\"{number}\"/></proto></packet>"
        )
    };
    let second = PEER.replace("<pdml>", "").replace("pos=\"0\" show=\"1\"/>", "pos=\"0\" show=\"2\"/>");
    fixture.program("tshark", &format!("<pdml>{}{second}{}", foreign(1), foreign(3)))?;
    let decoded = LOCAL.replace("\"number\":1", "\"number\":2");
    let path = fixture.root.join("bin/tapstack");
    for (count, expected) in [(2, 0), (1, 1)] {
        let script = format!(
            "#!/bin/sh\necho '{decoded}'\necho 'tapstack: cannot read a: {count} packets of unsupported link type omitted' >&2\nexit 2\n"
        );
        fs::write(&path, script)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        let (code, text) = fixture.corpus(&[])?;
        assert_eq!(code, Some(expected), "{text}");
        assert!(!text.contains("a further frame"), "{text}");
    }
    Ok(())
}
