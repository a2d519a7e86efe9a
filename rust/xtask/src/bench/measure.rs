//! Interleaved timing of whole processes, from their start until they have been waited for.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::scratch::Scratch;
use crate::env;

/// One way to do the same work.
pub(super) struct Contestant {
    pub(super) name: &'static str,
    /// The program and its arguments.
    pub(super) command: Vec<String>,
}

/// The times of one contestant, one for each round, sorted.
pub(super) struct Series {
    pub(super) name: &'static str,
    times: Vec<Duration>,
}

impl Contestant {
    pub(super) fn new(name: &'static str, command: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { name, command: command.into_iter().map(Into::into).collect() }
    }

    fn time(&self, folder: &Path) -> Result<Duration> {
        let mut command = Command::new(&self.command[0]);
        command.args(&self.command[1..]).current_dir(folder);
        // The user's own configuration must not take part.
        command.env(env::HOME, folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let start = Instant::now();
        let output = command.output().with_context(|| format!("failed to start `{}`", self.command[0]))?;
        let time = start.elapsed();
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{}` ended with {}: {}", self.command.join(" "), output.status, said.trim());
        }
        Ok(time)
    }
}

impl Series {
    pub(super) fn median(&self) -> Duration {
        self.quantile(0.5)
    }

    pub(super) fn min(&self) -> Duration {
        self.times[0]
    }

    /// Returns the time below which this part of the rounds stayed.
    pub(super) fn quantile(&self, part: f64) -> Duration {
        let last = self.times.len() - 1;
        self.times[(part * last as f64).round() as usize]
    }

    pub(super) fn json(&self) -> Value {
        let times: Vec<f64> = self.times.iter().copied().map(ms).collect();
        json!({ "median_ms": ms(self.median()), "min_ms": ms(self.min()), "times_ms": times })
    }
}

/// Returns a time in milliseconds.
pub(super) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Runs every contestant once to warm caches, then all of them in each round, in an order made anew.
pub(super) fn interleave(
    contestants: &[Contestant],
    rounds: usize,
    scratch: &Scratch,
) -> Result<Vec<Series>> {
    for contestant in contestants {
        contestant.time(scratch.path())?;
    }
    let mut times = vec![Vec::with_capacity(rounds); contestants.len()];
    let mut order: Vec<usize> = (0..contestants.len()).collect();
    for _ in 0..rounds {
        shuffle(&mut order);
        for &at in &order {
            times[at].push(contestants[at].time(scratch.path())?);
        }
    }
    let series = contestants.iter().zip(times).map(|(contestant, mut times)| {
        times.sort();
        Series { name: contestant.name, times }
    });
    Ok(series.collect())
}

/// Fisher–Yates, with the randomness that the standard library seeds its maps with.
fn shuffle(order: &mut [usize]) {
    for end in (1..order.len()).rev() {
        let random = RandomState::new().hash_one(end);
        order.swap(end, (random % (end as u64 + 1)) as usize);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Series, shuffle};

    #[test]
    fn a_series_tells_its_middle_and_its_ends() {
        let times = [1, 2, 3, 4, 50].map(Duration::from_millis).to_vec();
        let series = Series { name: "x", times };
        assert_eq!(series.median(), Duration::from_millis(3));
        assert_eq!(series.min(), Duration::from_millis(1));
        assert_eq!(series.quantile(1.0), Duration::from_millis(50));
    }

    #[test]
    fn a_shuffled_order_has_everyone_in_it() {
        let mut order = [0, 1, 2, 3];
        shuffle(&mut order);
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2, 3]);
    }
}
