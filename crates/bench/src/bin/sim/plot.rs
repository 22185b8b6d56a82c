//! Line charts with logarithmic axes, in SVG.

use std::path::Path;

use plotters::prelude::*;

/// A chart with positive values.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    pub(crate) lines: Vec<Line>,
}

/// A line of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// Name in the legend. Empty for a line without an entry.
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
    /// Whether the line is a reference for the line before it, which has the same color.
    pub(crate) is_reference: bool,
}

const SIZE: (u32, u32) = (900, 480);
const COLORS: [RGBColor; 3] = [RGBColor(37, 99, 155), RGBColor(200, 110, 40), RGBColor(60, 140, 80)];

/// Writes a chart to the directory.
pub(crate) fn draw(chart: &Chart, folder: &Path) -> Result<(), String> {
    lines(&folder.join(chart.file), chart).map_err(|error| format!("cannot draw {}: {error}", chart.file))
}

fn lines(path: &Path, chart: &Chart) -> Result<(), Box<dyn std::error::Error>> {
    let points = || chart.lines.iter().flat_map(|line| &line.points);
    let least = |values: &mut dyn Iterator<Item = f64>| values.fold(f64::INFINITY, f64::min);
    let most = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, f64::max);
    let x = least(&mut points().map(|point| point.0))..most(&mut points().map(|point| point.0));
    let y = least(&mut points().map(|point| point.1)) / 2.0..most(&mut points().map(|point| point.1)) * 2.0;
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let mut context = ChartBuilder::on(&area)
        .caption(chart.title, ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(60)
        .build_cartesian_2d(x.log_scale(), y.log_scale())?;
    context.configure_mesh().draw()?;
    let mut color = 0;
    for line in &chart.lines {
        let width = if line.is_reference { 1 } else { 3 };
        color += usize::from(!line.is_reference);
        let style = COLORS[(color + COLORS.len() - 1) % COLORS.len()].stroke_width(width);
        let series = context.draw_series(LineSeries::new(line.points.iter().copied(), style))?;
        if !line.name.is_empty() {
            series.label(&line.name).legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 20, y)], style));
        }
    }
    context.configure_series_labels().background_style(WHITE).border_style(BLACK).draw()?;
    area.present()?;
    Ok(())
}
