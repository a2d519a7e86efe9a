//! `cargo xtask faults`: the parts of a run killed at hundreds of moments, and every committed event looked for afterwards.

use anyhow::Result;

use crate::flags::Flags;
use crate::nextest::Nextest;
use crate::{env, workspace};

/// Moments for each choice of victims and each way of watching.
const ROUNDS: u64 = 100;

pub(crate) fn run(mut flags: Flags) -> Result<()> {
    let rounds: u64 = flags.value("--rounds")?.unwrap_or(ROUNDS);
    let seed: Option<u64> = flags.value("--seed")?;
    let backend: Option<String> = flags.value("--backend")?;
    flags.finish()?;
    workspace::build_programs(&workspace::shell()?)?;
    let mut arguments = vec!["--test".to_owned(), "faults".to_owned()];
    if let Some(backend) = &backend {
        arguments.extend(["--filterset".to_owned(), format!("test(/^{backend}::/)")]);
    }
    let nextest = Nextest::new(["--package", "conformance"]).args(&arguments);
    let nextest = nextest.with(env::FAULT_ROUNDS, &rounds.to_string()).require("preload");
    match seed {
        Some(seed) => nextest.with(env::FAULT_SEED, &seed.to_string()).run(),
        None => nextest.run(),
    }
}
