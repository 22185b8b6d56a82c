//! The report: the table and the goals, as text, Markdown and JSON.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bench::Grid;
use serde_json::json;

use crate::options::Options;
use crate::trial::Contender;

/// Goodput of all contenders.
pub(crate) struct Report {
    pub(crate) rtt: Duration,
    pub(crate) rows: Vec<Row>,
}

/// Goodput of all contenders at a loss, in bytes per second by round.
pub(crate) struct Row {
    /// Loss in percent.
    pub(crate) loss: f64,
    kernel: Vec<f64>,
    sending: Vec<f64>,
    receiving: Vec<f64>,
}

impl Row {
    pub(crate) fn new(loss: f64) -> Row {
        Row { loss, kernel: Vec::new(), sending: Vec::new(), receiving: Vec::new() }
    }

    pub(crate) fn add(&mut self, contender: Contender, goodput: f64) {
        match contender {
            Contender::Kernel => self.kernel.push(goodput),
            Contender::Sending => self.sending.push(goodput),
            Contender::Receiving => self.receiving.push(goodput),
        }
    }

    /// Returns the ratio of the mean goodput of a contender to that of the kernel.
    fn ratio(&self, goodputs: &[f64]) -> f64 {
        mean(goodputs) / mean(&self.kernel)
    }

    /// Returns the expected ratio of a contender to the kernel.
    fn goal(&self) -> f64 {
        if self.loss <= 1.0 { 0.95 } else { 0.9 }
    }
}

impl Report {
    /// Prints the report, and writes it to the directory.
    pub(crate) fn write(&self, options: &Options) -> Result<(), String> {
        let (folder, grid) = (&options.out, self.grid());
        let json = serde_json::to_string_pretty(&self.json())
            .map_err(|error| format!("cannot write JSON: {error}"))?;
        fs::create_dir_all(folder)
            .map_err(|error| format!("cannot create the directory {}: {error}", folder.display()))?;
        put(&folder.join("lossy.json"), &json)?;
        put(&folder.join("lossy.md"), &grid.markdown())?;
        if options.json {
            println!("{json}");
        } else {
            print!("{}", grid.plain());
            println!("report: {}", folder.join("lossy.md").display());
        }
        Ok(())
    }

    fn grid(&self) -> Grid {
        let rate = |goodputs: &[f64]| format!("{:.3}", mean(goodputs) / 1e6);
        let rows = self.rows.iter().map(|row| {
            let mut line = vec![format!("{} %", row.loss), rate(&row.kernel)];
            for goodputs in [&row.sending, &row.receiving] {
                line.extend([rate(goodputs), format!("{:.2}", row.ratio(goodputs))]);
            }
            line.push(format!(">= {}", row.goal()));
            line
        });
        Grid {
            title: format!("Goodput over a lossy link, RTT of {} ms", self.rtt.as_millis()),
            note: "Goodput in MB/s, mean of the rounds, and its ratio to the goodput between two kernels. Both directions lose \
                frames.",
            head: vec!["loss", "kernel", "tapstack sends", "ratio", "tapstack receives", "ratio", "goal"],
            rows: rows.collect(),
        }
    }

    fn json(&self) -> serde_json::Value {
        let rows = self.rows.iter().map(|row| {
            json!({
                "loss": row.loss / 100.0,
                "goodput": { "kernel": row.kernel, "sending": row.sending, "receiving": row.receiving },
                "sending_over_kernel": row.ratio(&row.sending),
                "receiving_over_kernel": row.ratio(&row.receiving),
                "goal": row.goal(),
            })
        });
        json!({ "rtt_ms": self.rtt.as_secs_f64() * 1e3, "rows": rows.collect::<Vec<_>>() })
    }
}

/// Returns the mean, or NaN without values.
fn mean(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "few values")]
    let count = values.len() as f64;
    values.iter().sum::<f64>() / count
}

fn put(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, format!("{}\n", text.trim_end()))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}
