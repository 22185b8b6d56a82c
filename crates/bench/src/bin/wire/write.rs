//! Output of the report: standard output and a directory.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::grid::grids;
use crate::options::Options;
use crate::plot;
use crate::report::BenchReport;

/// Creates the output directory. Called before the measurement starts.
pub(crate) fn prepare(options: &Options) -> Result<(), String> {
    let folder = options.out.display();
    fs::create_dir_all(&options.out).map_err(|error| {
        format!("cannot create the directory {folder}: {error}; hint: cargo xtask bench wire --out PATH")
    })
}

/// Prints the report and writes it to the directory.
pub(crate) fn all(report: &BenchReport, options: &Options) -> Result<(), String> {
    let json = serde_json::to_string_pretty(report).map_err(|error| format!("cannot write JSON: {error}"))?;
    let plots = if options.svg { plot::draw(report, &options.out)? } else { Vec::new() };
    put(&options.out.join("report.json"), &json)?;
    put(&options.out.join("report.md"), &markdown(report, &plots))?;
    if options.json {
        println!("{json}");
    } else {
        print!("{}", plain(report));
        println!("report: {}", options.out.join("report.md").display());
    }
    Ok(())
}

fn put(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| {
        format!("cannot write {}: {error}; hint: choose another directory with `--out PATH`", path.display())
    })
}

fn machine(report: &BenchReport) -> String {
    let machine = &report.machine;
    format!("{} ({}), {}, CPUs: {}", machine.processor, machine.architecture, machine.kernel, machine.cpus)
}

fn plain(report: &BenchReport) -> String {
    let mut text = format!("{}\n\n", machine(report));
    for skipped in &report.skipped {
        let _ = writeln!(text, "Not measured: {}: {}\n", skipped.what, skipped.why);
    }
    for grid in grids(report) {
        let _ = writeln!(text, "{}", grid.plain());
    }
    text
}

fn markdown(report: &BenchReport, plots: &[String]) -> String {
    let mut text = format!("# Replies over a wire\n\n{}\n\n", machine(report));
    for contender in &report.contenders {
        let _ = writeln!(text, "- `{}`: {}", contender.name, contender.about);
    }
    for skipped in &report.skipped {
        let _ = writeln!(text, "\nNot measured: {}: {}", skipped.what, skipped.why);
    }
    for grid in grids(report) {
        let _ = write!(text, "\n{}", grid.markdown());
    }
    for plot in plots {
        let _ = write!(text, "\n![{plot}]({plot})\n");
    }
    text
}
