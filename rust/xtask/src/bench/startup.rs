//! What `roar run` costs before and after the command: `roar run true` against `true`, as whole processes.

use anyhow::Result;
use serde_json::{Value, json};

use super::Effort;
use super::measure::{Contestant, Series, interleave, ms};
use super::scratch::Scratch;
use super::table::Table;
use crate::workspace;

const ROUNDS: usize = 200;
const ROUNDS_QUICK: usize = 20;

pub(super) fn run(effort: Effort) -> Result<Value> {
    let scratch = Scratch::temporary()?;
    let roar = workspace::roar().display().to_string();
    let contestants = [
        Contestant::new("true", ["/bin/true"]),
        Contestant::new("roar run true", [roar.as_str(), "run", "/bin/true"]),
    ];
    let series = interleave(&contestants, effort.rounds(ROUNDS, ROUNDS_QUICK), &scratch)?;
    let mut table = Table::new(["", "median ms", "min ms", "p95 ms"].map(str::to_owned).to_vec());
    for series in &series {
        table.push(row(series));
    }
    print!("{table}");
    let results =
        series.iter().map(|series| json!({ "workload": series.name, "tools": { "": series.json() } }));
    Ok(results.collect())
}

fn row(series: &Series) -> Vec<String> {
    let times = [series.whole.median(), series.whole.min(), series.whole.quantile(0.95)];
    let mut row = vec![series.name.to_owned()];
    row.extend(times.map(|time| format!("{:.2}", ms(time))));
    row
}
