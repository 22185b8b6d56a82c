//! Bar charts of the tables, in SVG.

use std::path::Path;

use plotters::prelude::*;

use crate::load::Load;
use crate::report::BenchReport;

/// A group of bars: the name of the contender, and the label and value of each bar.
struct Group {
    name: &'static str,
    bars: Vec<(String, f64)>,
}

const WIDTH: u32 = 900;
const BAR: i32 = 16;
const GAP: i32 = 10;
const TOP: i32 = 40;
/// Left edge and maximum length of the bars, in pixels.
const LEFT: i32 = 130;
const LONGEST: f64 = 560.0;
const COLORS: [RGBColor; 3] = [RGBColor(37, 99, 155), RGBColor(110, 163, 204), RGBColor(190, 214, 232)];

/// Writes a chart of each table to the directory, and returns the names of the files.
pub(crate) fn draw(report: &BenchReport, folder: &Path) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    for load in [Load::Arp, Load::Ping] {
        let word = load.to_string().to_lowercase();
        let plots = [
            ("drain", "ns per reply, drain, median", drained(report, load)),
            ("flow", "replies per second on two CPUs, median", flowed(report, load)),
            ("latency", "latency in us, median and p99, by spinning", timed(report, load)),
        ];
        for (name, title, groups) in plots {
            if !groups.is_empty() {
                let file = format!("{name}-{word}.svg");
                bars(&folder.join(&file), &format!("{load}: {title}"), &groups)
                    .map_err(|error| format!("cannot draw {file}: {error}"))?;
                files.push(file);
            }
        }
    }
    Ok(files)
}

fn drained(report: &BenchReport, load: Load) -> Vec<Group> {
    let rows = report.drain.iter().filter(|table| table.load == load).flat_map(|table| &table.rows);
    rows.map(|row| Group { name: row.contender, bars: vec![(String::new(), row.ns_per_reply_p50)] }).collect()
}

fn flowed(report: &BenchReport, load: Load) -> Vec<Group> {
    let mut groups = Vec::new();
    for table in report.flow.iter().filter(|table| table.load == load) {
        for row in &table.rows {
            add(&mut groups, row.contender, (format!("window {}", table.window), row.replies_per_second_p50));
        }
    }
    groups
}

fn timed(report: &BenchReport, load: Load) -> Vec<Group> {
    let mut groups = Vec::new();
    for table in report.latency.iter().filter(|table| table.load == load) {
        let how = if table.spin_us > 0.0 { "spinning" } else { "sleeping" };
        for row in &table.rows {
            add(&mut groups, row.contender, (format!("p50, {how}"), row.us_p50));
            add(&mut groups, row.contender, (format!("p99, {how}"), row.us_p99));
        }
    }
    groups
}

fn add(groups: &mut Vec<Group>, name: &'static str, bar: (String, f64)) {
    match groups.iter_mut().find(|group| group.name == name) {
        Some(group) => group.bars.push(bar),
        None => groups.push(Group { name, bars: vec![bar] }),
    }
}

fn bars(path: &Path, title: &str, groups: &[Group]) -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = groups.iter().map(|group| group.bars.len()).sum();
    let height = TOP + BAR * i32::try_from(count)? + GAP * i32::try_from(groups.len() + 1)?;
    let longest = groups.iter().flat_map(|group| &group.bars).map(|bar| bar.1).fold(1.0, f64::max);
    let area = SVGBackend::new(path, (WIDTH, u32::try_from(height)?)).into_drawing_area();
    area.fill(&WHITE)?;
    let write = |text: &str, at: (i32, i32), size: i32| {
        area.draw(&Text::new(text.to_owned(), at, ("sans-serif", size).into_font()))
    };
    write(title, (10, 10), 16)?;
    let mut top = TOP;
    for group in groups {
        write(group.name, (10, top + 2), 12)?;
        for ((label, value), color) in group.bars.iter().zip(COLORS.iter().cycle()) {
            #[expect(clippy::cast_possible_truncation, reason = "at most LONGEST")]
            let right = LEFT + (value / longest * LONGEST) as i32;
            area.draw(&Rectangle::new([(LEFT, top), (right, top + BAR - 2)], color.filled()))?;
            write(&format!("{value:.*}  {label}", usize::from(longest < 1_000.0)), (right + 6, top + 1), 12)?;
            top += BAR;
        }
        top += GAP;
    }
    area.present()?;
    Ok(())
}
