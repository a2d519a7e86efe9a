//! The speed of `roar-hash`, beside `b3sum`, the reference program of the same hash function: a few large files, which
//! show the throughput, and many small ones, which show the cost of a file.

use std::fs::File;
use std::io::Write;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use xshell::cmd;

use super::Effort;
use super::measure::{Contestant, Series, interleave, ms};
use super::scratch::Scratch;
use super::table::Table;
use crate::workspace;

const ROUNDS: usize = 7;
const ROUNDS_QUICK: usize = 3;

/// The version of the reference, of the same release as the `blake3` crate of the workspace.
const B3SUM: &str = "b3sum@1.8.7";

/// 16 files of 256 MiB: 4 GiB, more than any cache of a processor and less than a machine's memory.
const LARGE_FILES: u64 = 16;
const LARGE_BYTES: u64 = 256 << 20;
const SMALL_FILES: u64 = 20_000;
const SMALL_BYTES: u64 = 4 << 10;

/// What is written at once while a large file is made.
const BLOCK_BYTES: usize = 1 << 20;

pub(super) fn run(effort: Effort) -> Result<Value> {
    let scratch = Scratch::kept()?;
    let reference = install_reference(&scratch)?;
    let ours = build_ours(&scratch)?;
    make_large(effort, &scratch)?;
    scratch.files("small", effort.size(SMALL_FILES), |number| vec![number as u8; SMALL_BYTES as usize])?;

    let mut table = Table::new(["files", "tool", "median ms", "min ms", "GiB/s"].map(str::to_owned).to_vec());
    let mut results = Vec::new();
    let sets =
        [("large", LARGE_FILES, effort.size(LARGE_BYTES)), ("small", effort.size(SMALL_FILES), SMALL_BYTES)];
    for (folder, files, bytes) in sets {
        // The shell gives both the same arguments, in the same order.
        let command =
            |program: &str| ["sh".to_owned(), "-c".to_owned(), format!("exec {program} {folder}/*")];
        let contestants =
            [Contestant::new("roar-hash", command(&ours)), Contestant::new("b3sum", command(&reference))];
        let series = interleave(&contestants, effort.rounds(ROUNDS, ROUNDS_QUICK), &scratch)?;
        for series in &series {
            table.push(row(folder, files * bytes, series));
            results.push(json!({ "files": folder, "bytes": files * bytes, "tool": series.name, "times": series.json() }));
        }
    }
    print!("{table}");
    Ok(Value::Array(results))
}

fn row(folder: &str, bytes: u64, series: &Series) -> Vec<String> {
    let speed = bytes as f64 / f64::from(1 << 30) / series.whole.median().as_secs_f64();
    let figures = [
        format!("{:.1}", ms(series.whole.median())),
        format!("{:.1}", ms(series.whole.min())),
        format!("{speed:.2}"),
    ];
    let mut row = vec![folder.to_owned(), series.name.to_owned()];
    row.extend(figures);
    row
}

/// Builds the example of `roar-hash` that hashes its arguments, and returns its path.
fn build_ours(scratch: &Scratch) -> Result<String> {
    let manifest = workspace::root().join("Cargo.toml");
    let shell = scratch.shell();
    cmd!(shell, "cargo build --locked --release --manifest-path {manifest} -p roar-hash --example hash")
        .run()?;
    Ok(workspace::target("release/examples/hash").display().to_string())
}

/// Installs the reference below the scratch folder, once, and returns its path.
fn install_reference(scratch: &Scratch) -> Result<String> {
    let root = scratch.path().join("reference");
    let shell = scratch.shell();
    cmd!(shell, "cargo install --locked --root {root} {B3SUM}").run().context("failed to install b3sum")?;
    Ok(root.join("bin/b3sum").display().to_string())
}

fn make_large(effort: Effort, scratch: &Scratch) -> Result<()> {
    let bytes = effort.size(LARGE_BYTES);
    let folder = scratch.path().join("large");
    scratch.shell().create_dir(&folder)?;
    for number in 0..LARGE_FILES {
        let path = folder.join(format!("{number:02}"));
        if path.metadata().is_ok_and(|metadata| metadata.len() == bytes) {
            continue;
        }
        let mut file = File::create(&path).with_context(|| path.display().to_string())?;
        let block = vec![number as u8; BLOCK_BYTES];
        let mut left = bytes;
        while left > 0 {
            let length = left.min(BLOCK_BYTES as u64);
            file.write_all(&block[..length as usize]).with_context(|| path.display().to_string())?;
            left -= length;
        }
    }
    Ok(())
}
