//! `cargo xtask real`: real programs, bare and under each backend.
//!
//! A traced program must end and say what it does bare, each backend must report the same files, and these must be the ones that
//! `tests/real/jobs.toml` has, where every meant difference has its reason. It fetches what it needs by pip into `target/real`; what apt has
//! to bring, it names.

mod compare;
mod environment;
mod job;
mod names;
mod trace;
mod world;

use std::time::Duration;

use anyhow::{Result, bail};

use crate::bench::Table;
use crate::flags::Flags;
use crate::workspace;
use environment::Environment;
use job::Job;
use trace::{run_bare, run_traced};
use world::World;

/// The backends that are compared, the first with each other one.
const BACKENDS: [&str; 2] = ["preload", "ptrace"];

/// Rounds of each job, of which the median time is shown.
const ROUNDS: usize = 3;

pub(crate) fn run(mut flags: Flags) -> Result<()> {
    let rounds = flags.value("--rounds")?.unwrap_or(ROUNDS).max(1);
    let names = flags.words()?;
    let jobs = choose(job::load()?, &names)?;
    workspace::build_programs(&workspace::shell()?)?;
    let environment = Environment::make()?;
    let world = World::new(&environment)?;

    let mut table = Table::new(
        ["job", "bare ms", "preload ×", "ptrace ×", "preload", "ptrace", "files", ""]
            .map(str::to_owned)
            .to_vec(),
    );
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for job in &jobs {
        if let Some(missing) = environment.missing(job) {
            eprintln!("{}: skipped, for there is no {missing}", job.name);
            skipped += 1;
            continue;
        }
        let (row, faults) = check(job, rounds, &environment, &world)?;
        table.push(row);
        for fault in &faults {
            println!("{}: {fault}", job.name);
        }
        if faults.is_empty() { passed += 1 } else { failed += 1 }
    }
    print!("{table}");
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 {
        bail!("{failed} of the programs are troubled");
    }
    Ok(())
}

fn choose(jobs: Vec<Job>, names: &[String]) -> Result<Vec<Job>> {
    if let Some(name) = names.iter().find(|name| jobs.iter().all(|job| job.name != **name)) {
        let known: Vec<&str> = jobs.iter().map(|job| job.name.as_str()).collect();
        bail!("no job `{name}`; there are {}", known.join(", "));
    }
    Ok(jobs.into_iter().filter(|job| names.is_empty() || names.contains(&job.name)).collect())
}

/// Runs a job in all ways, and returns its row of the table and what is wrong.
fn check(
    job: &Job,
    rounds: usize,
    environment: &Environment,
    world: &World,
) -> Result<(Vec<String>, Vec<String>)> {
    eprintln!("{}", job.name);
    // Caches are to be warm, and what the machine had to remember remembered.
    run_traced(job, BACKENDS[0], environment, world)?;
    let mut faults = Vec::new();
    let mut bare_times = Vec::new();
    let mut times = [Vec::new(), Vec::new()];
    let mut row = Vec::new();
    for _ in 0..rounds {
        let bare = run_bare(job, environment, world)?;
        let mut reports = Vec::new();
        for (backend, times) in BACKENDS.into_iter().zip(&mut times) {
            let traced = run_traced(job, backend, environment, world)?;
            times.push(traced.time);
            faults.extend(compare::outcomes(job, backend, &bare, &traced));
            if !job.fails.contains_key(backend) {
                faults.extend(compare::truth(job, backend, &traced.report, world));
                faults.extend(compare::gaps(job, backend, &traced.report));
                reports.push((backend, traced.report));
            }
        }
        bare_times.push(bare.time);
        let differences = compare::files(job, &reports);
        faults.extend(differences.faults);
        row = vec![differences.words];
        let says = |backend: &str| match reports.iter().find(|(name, _)| *name == backend) {
            Some((_, report)) if report.is_complete => "complete".to_owned(),
            Some((_, report)) => format!("partial ({})", report.gaps.len()),
            None => "fails".to_owned(),
        };
        row.splice(0..0, BACKENDS.map(says));
    }
    faults.sort();
    faults.dedup();
    let bare = median(&mut bare_times);
    let mut cells = vec![job.name.clone(), format!("{:.0}", bare.as_secs_f64() * 1e3)];
    cells.extend(
        times.each_mut().map(|times| format!("{:.2}", median(times).as_secs_f64() / bare.as_secs_f64())),
    );
    cells.append(&mut row);
    cells.push(if faults.is_empty() { String::new() } else { format!("{} faults", faults.len()) });
    Ok((cells, faults))
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
