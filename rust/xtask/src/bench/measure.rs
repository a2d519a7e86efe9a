//! Interleaved timing of whole processes, from their start until they have been waited for.

use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::scratch::Scratch;
use crate::env;

/// One way to do the same work.
pub(super) struct Contestant {
    pub(super) name: &'static str,
    /// The program and its arguments.
    pub(super) command: Vec<String>,
    /// Whether it is roar, and knows afterwards how long the command within took.
    is_roar: bool,
    /// What goes before a command that runs meanwhile, and does nothing.
    beside: Vec<String>,
}

/// Says that it runs, and waits until its input ends.
const WAIT: [&str; 3] = ["sh", "-c", "echo; exec cat"];

/// A command that runs beside what is timed.
struct Beside {
    child: Child,
}

/// The times of one contestant, one for each round.
pub(super) struct Series {
    pub(super) name: &'static str,
    pub(super) whole: Times,
    /// Of roar: the command within, without what roar does before and after it.
    pub(super) within: Option<Times>,
}

/// Times, sorted.
pub(super) struct Times(Vec<Duration>);

impl Contestant {
    pub(super) fn new(name: &'static str, command: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            name,
            command: command.into_iter().map(Into::into).collect(),
            is_roar: false,
            beside: Vec::new(),
        }
    }

    /// Returns the same, beside a command that begins with these words.
    pub(super) fn beside(self, words: &[String]) -> Self {
        Self { beside: words.to_vec(), ..self }
    }

    /// Returns the same, for a command that begins with roar.
    pub(super) fn of_roar(self) -> Self {
        Self { is_roar: true, ..self }
    }

    /// Asks roar how long the command within its last run took, from its start to the end of the last process.
    fn time_within(&self, folder: &Path) -> Result<Duration> {
        let mut show = Command::new(&self.command[0]);
        show.args(["show", "--json", "@last"]).current_dir(folder).env(env::HOME, folder);
        let output = show.output().with_context(|| format!("failed to start `{}`", self.command[0]))?;
        let report: Value = serde_json::from_slice(&output.stdout).context("`roar show --json @last`")?;
        report["duration_ns"].as_u64().map(Duration::from_nanos).context("a report without `duration_ns`")
    }

    fn time(&self, folder: &Path) -> Result<Duration> {
        let beside = (!self.beside.is_empty()).then(|| Beside::start(&self.beside, folder)).transpose()?;
        let time = self.time_alone(folder)?;
        beside.map_or(Ok(()), Beside::end)?;
        Ok(time)
    }

    fn time_alone(&self, folder: &Path) -> Result<Duration> {
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

impl Beside {
    fn start(words: &[String], folder: &Path) -> Result<Self> {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).args(WAIT).current_dir(folder).env(env::HOME, folder);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("failed to start `{}`", words[0]))?;
        let said = child.stdout.as_mut().context("no output")?.read(&mut [0])?;
        ensure!(said == 1, "`{}` does not run its command", words.join(" "));
        Ok(Self { child })
    }

    fn end(mut self) -> Result<()> {
        let status = self.child.wait()?; // closes its input first
        ensure!(status.success(), "the command beside ended with {status}");
        Ok(())
    }
}

impl Series {
    pub(super) fn json(&self) -> Value {
        let mut json = self.whole.json();
        if let Some(within) = &self.within {
            json["within"] = within.json();
        }
        json
    }
}

impl Times {
    pub(super) fn new(mut times: Vec<Duration>) -> Self {
        times.sort();
        Self(times)
    }

    pub(super) fn median(&self) -> Duration {
        self.quantile(0.5)
    }

    pub(super) fn min(&self) -> Duration {
        self.0[0]
    }

    /// Returns the time below which this part of the rounds stayed.
    pub(super) fn quantile(&self, part: f64) -> Duration {
        let last = self.0.len() - 1;
        self.0[(part * last as f64).round() as usize]
    }

    pub(super) fn json(&self) -> Value {
        let times: Vec<f64> = self.0.iter().copied().map(ms).collect();
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
    let mut whole = vec![Vec::with_capacity(rounds); contestants.len()];
    let mut within = vec![Vec::new(); contestants.len()];
    let mut order: Vec<usize> = (0..contestants.len()).collect();
    for _ in 0..rounds {
        shuffle(&mut order);
        for &at in &order {
            whole[at].push(contestants[at].time(scratch.path())?);
            if contestants[at].is_roar {
                within[at].push(contestants[at].time_within(scratch.path())?);
            }
        }
    }
    let times = whole.into_iter().zip(within);
    let series = contestants.iter().zip(times).map(|(contestant, (whole, within))| Series {
        name: contestant.name,
        whole: Times::new(whole),
        within: contestant.is_roar.then(|| Times::new(within)),
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

    use super::{Times, shuffle};

    #[test]
    fn a_series_tells_its_middle_and_its_ends() {
        let times = [50, 2, 3, 4, 1].map(Duration::from_millis).to_vec();
        let times = Times::new(times);
        assert_eq!(times.median(), Duration::from_millis(3));
        assert_eq!(times.min(), Duration::from_millis(1));
        assert_eq!(times.quantile(1.0), Duration::from_millis(50));
    }

    #[test]
    fn a_shuffled_order_has_everyone_in_it() {
        let mut order = [0, 1, 2, 3];
        shuffle(&mut order);
        order.sort_unstable();
        assert_eq!(order, [0, 1, 2, 3]);
    }
}
