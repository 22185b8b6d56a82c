//! Runs tapstack, tshark and tcpdump over captures.

use std::fs;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::compare::compare;
use super::decoded::Frame;
use super::lines;
use super::pdml::PdmlReader;
use super::process::RunningProgram;
use super::report::CorpusReport;
use testbed::installed::installed;

/// Options of tshark: PDML output, no name resolution, no reassembly, verified IPv4 checksums, and unchanged numbers.
const OPTIONS: [&str; 14] = [
    "-n",
    "-T",
    "pdml",
    "-o",
    "ip.check_checksum:TRUE",
    "-o",
    "ip.defragment:FALSE",
    "-o",
    "tcp.desegment_tcp_streams:FALSE",
    "-o",
    "ip.tso_support:FALSE",
    "-o",
    "tcp.relative_sequence_numbers:FALSE",
    "-r",
];
/// File name extensions of captures.
const ENDINGS: [&str; 3] = ["pcap", "pcapng", "cap"];

/// Returns the first line of the version output of tshark.
pub(crate) fn tshark_version() -> Result<String, String> {
    let tshark = installed("tshark").map_err(|absent| format!("{absent}: sudo apt install tshark"))?;
    let output = Command::new(tshark).arg("--version").output();
    let output = output.map_err(|error| format!("cannot run tshark: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or("tshark").trim_end_matches('.').to_owned())
}

/// Returns all captures under a directory, ordered by path.
pub(crate) fn captures(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error| format!("cannot read {}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if ENDINGS.contains(&ending) {
                files.push(path);
            }
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(format!("no capture in {} (.pcap, .pcapng or .cap)", folder.display()));
    }
    Ok(files)
}

/// Compares the frames of a capture with the frames of tshark.
pub(crate) fn file(
    program: &Path,
    folder: &Path,
    path: &Path,
    report: &mut CorpusReport,
) -> Result<(), String> {
    report.begin(short(folder, path));
    let mut tapstack = RunningProgram::start(Command::new(program).args(["decode", "--json"]).arg(path))?;
    let mut reference = RunningProgram::start(Command::new("tshark").args(OPTIONS).arg(path))?;
    let mut lines = tapstack.output()?.lines();
    let mut packets = PdmlReader::new(reference.output()?);
    loop {
        let line = lines.next().transpose().map_err(|error| format!("cannot read from decode: {error}"))?;
        let packet = packets.next().map_err(|error| format!("cannot read from tshark: {error}"))?;
        let (line, mut packet) = match (line, packet) {
            (Some(line), Some(packet)) => (line, packet),
            (None, None) => break,
            (None, Some(packet)) => {
                // Packets that follow the last frame of tapstack may have other link types.
                let mut left = vec![packet];
                while let Some(packet) =
                    packets.next().map_err(|error| format!("cannot read from tshark: {error}"))?
                {
                    left.push(packet);
                }
                report.left(&left);
                break;
            }
            (Some(_), None) => {
                report.uneven(true);
                break;
            }
        };
        let frame = Frame::parse(&line)?;
        // Packets of other link types also have numbers.
        while packet.number().is_some_and(|number| number < frame.number) && !packet.is_ethernet() {
            report.foreign();
            match packets.next().map_err(|error| format!("cannot read from tshark: {error}"))? {
                Some(next) => packet = next,
                None => break,
            }
        }
        report.frame();
        compare(&frame, &packet, &mut |compared| report.take(&compared));
    }
    drop((lines, packets));
    report.end(&tapstack.end()?, &reference.end()?);
    Ok(())
}

/// Returns the path of a file relative to the directory.
pub(crate) fn short(folder: &Path, path: &Path) -> String {
    path.strip_prefix(folder).unwrap_or(path).display().to_string()
}

/// Compares the lines for ARP frames of all captures with the lines of tcpdump, if tcpdump is installed.
pub(crate) fn compare_lines(
    program: &Path,
    folder: &Path,
    files: &[PathBuf],
    report: &mut CorpusReport,
) -> Result<(), String> {
    if let Err(absent) = installed("tcpdump") {
        report.lines_not_compared = Some(format!("{absent}: sudo apt install tcpdump"));
        return Ok(());
    }
    for file in files {
        let name = short(folder, file);
        if report.has_compared(&name) {
            report.add_lines(&name, lines::of_file(program, file)?);
        }
    }
    Ok(())
}
