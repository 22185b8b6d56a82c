//! The report: tables and goals, as text, Markdown, JSON and charts.

use std::fs;
use std::path::Path;

use bench::Grid;
use serde::Serialize;
use serde_json::Value;

use crate::options::{Options, TableName};
use crate::plot::{self, Chart};
use crate::{document, fairness, loss, multiflow, pause, published, queues, reordering, tail};

/// Tables and goals.
pub(crate) struct Report {
    tables: Vec<Table>,
    goals: Vec<Goal>,
}

/// A measured table.
pub(crate) struct Table {
    /// Name in the JSON document.
    pub(crate) name: &'static str,
    pub(crate) grid: Grid,
    /// Rows of the JSON document.
    pub(crate) rows: Vec<Value>,
    pub(crate) goals: Vec<Goal>,
    pub(crate) chart: Option<Chart>,
}

/// A goal with the measured figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Goal {
    figure: String,
    bound: Bound,
    expected: f64,
    found: f64,
    holds: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
enum Bound {
    AtMost,
    AtLeast,
}

impl Goal {
    pub(crate) fn at_least(figure: impl Into<String>, expected: f64, found: f64) -> Goal {
        Goal { figure: figure.into(), bound: Bound::AtLeast, expected, found, holds: found >= expected }
    }

    pub(crate) fn at_most(figure: impl Into<String>, expected: f64, found: f64) -> Goal {
        Goal { figure: figure.into(), bound: Bound::AtMost, expected, found, holds: found <= expected }
    }
}

/// Creates the output directory. Called before the measurement starts.
pub(crate) fn prepare(options: &Options) -> Result<(), String> {
    let folder = options.out.display();
    fs::create_dir_all(&options.out).map_err(|error| {
        format!("cannot create the directory {folder}: {error}\nhint: cargo xtask bench sim --out PATH")
    })
}

/// Measures the tables.
pub(crate) fn measure(options: &Options) -> Result<Report, String> {
    let mut report = Report { tables: Vec::new(), goals: Vec::new() };
    for name in options.tables() {
        let measure = match name {
            TableName::Loss => loss::measure,
            TableName::Published => published::measure,
            TableName::Multiflow => multiflow::measure,
            TableName::Reordering => reordering::measure,
            TableName::Queues => queues::measure,
            TableName::Fairness => fairness::measure,
            TableName::Tail => tail::measure,
            TableName::Pause => pause::measure,
        };
        let table = measure(options)?;
        report.goals.extend(table.goals.iter().cloned());
        report.tables.push(table);
    }
    Ok(report)
}

impl Report {
    /// Prints the report, and writes it to the directory and into the document.
    pub(crate) fn write(&self, options: &Options) -> Result<(), String> {
        let json = self.json()?;
        let mut grids: Vec<_> = self.tables.iter().map(|table| table.grid.clone()).collect();
        let tables = markdown(&grids);
        grids.push(goals("Goals", self.goals.iter()));
        put(&options.out.join("sim.json"), &json)?;
        put(&options.out.join("sim.md"), &format!("# TCP in simulation\n{}", markdown(&grids)))?;
        if options.svg {
            self.draw(&options.out)?;
        }
        if let Some(path) = &options.document {
            let missed = goals("Missed goals", self.goals.iter().filter(|goal| !goal.holds));
            document::replace(path, &format!("{tables}{}", markdown(&[missed])))?;
            self.draw(path.parent().unwrap_or(Path::new(".")))?;
        }
        if options.json {
            println!("{json}");
        } else {
            for grid in grids {
                println!("{}", grid.plain());
            }
            println!("report: {}", options.out.join("sim.md").display());
        }
        Ok(())
    }

    fn json(&self) -> Result<String, String> {
        let mut tables = serde_json::Map::new();
        for table in &self.tables {
            tables.insert(table.name.to_owned(), Value::Array(table.rows.clone()));
        }
        let goals = serde_json::to_value(&self.goals).map_err(|error| error.to_string())?;
        tables.insert("goals".to_owned(), goals);
        serde_json::to_string_pretty(&tables).map_err(|error| format!("cannot write JSON: {error}"))
    }

    fn draw(&self, folder: &Path) -> Result<(), String> {
        for chart in self.tables.iter().filter_map(|table| table.chart.as_ref()) {
            plot::draw(chart, folder)?;
        }
        Ok(())
    }
}

/// Returns the table of goals.
fn goals<'a>(title: &str, goals: impl Iterator<Item = &'a Goal>) -> Grid {
    let rows = goals.map(|goal| {
        let bound = match goal.bound {
            Bound::AtMost => "<=",
            Bound::AtLeast => ">=",
        };
        vec![
            goal.figure.clone(),
            format!("{bound} {}", (goal.expected * 1e3).round() / 1e3),
            format!("{:.3}", goal.found),
            if goal.holds { "met" } else { "missed" }.to_owned(),
        ]
    });
    Grid {
        title: title.to_owned(),
        note: "Performance goals of tapstack.",
        head: vec!["goal", "expected", "found", "result"],
        rows: rows.collect(),
    }
}

fn markdown(grids: &[Grid]) -> String {
    grids.iter().flat_map(|grid| ["\n".to_owned(), grid.markdown()]).collect()
}

/// Returns a row as JSON.
pub(crate) fn row(value: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(value).map_err(|error| format!("cannot write JSON: {error}"))
}

/// Formats bytes per second as MB/s, with three significant digits.
pub(crate) fn rate(bytes_per_second: f64) -> String {
    let megabytes = bytes_per_second / 1e6;
    let digits = if megabytes >= 100.0 {
        0
    } else if megabytes >= 10.0 {
        1
    } else if megabytes >= 1.0 {
        2
    } else {
        3
    };
    format!("{megabytes:.digits$}")
}

/// Formats a rate of faults per million in percent.
pub(crate) fn percent(per_million: u32) -> String {
    format!("{} %", f64::from(per_million) / 1e4)
}

pub(crate) fn put(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, format!("{}\n", text.trim_end())).map_err(|error| {
        format!("cannot write {}: {error}\nhint: choose another directory with `--out PATH`", path.display())
    })
}
