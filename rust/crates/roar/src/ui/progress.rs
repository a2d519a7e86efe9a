//! A bar for work that takes a while.

use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::say;

/// Work that is done sooner shows no bar.
const QUIET_TIME: Duration = Duration::from_millis(250);

/// Redraws a second.
const REDRAWS_HZ: u8 = 10;

/// Shows how hashing goes on, on standard error if that is a terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    wants_bar: bool,
    wants_notes: bool,
    begun: OnceLock<Instant>,
    total_bytes: AtomicU64,
    done_bytes: AtomicU64,
    bar: OnceLock<ProgressBar>,
}

impl Progress {
    /// Returns a bar that is not there yet; `wants_notes`: whether notes are printed.
    pub(crate) fn new(is_quiet: bool, wants_notes: bool) -> Self {
        Self {
            wants_bar: !is_quiet && stderr().is_terminal(),
            wants_notes,
            begun: OnceLock::new(),
            total_bytes: AtomicU64::new(0),
            done_bytes: AtomicU64::new(0),
            bar: OnceLock::new(),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }

    fn draw(&self) {
        if !self.wants_bar || self.begun.get_or_init(Instant::now).elapsed() < QUIET_TIME {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            let style =
                ProgressStyle::with_template("hashing {bar:30} {bytes} of {total_bytes}, {bytes_per_sec}");
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(REDRAWS_HZ));
            bar.with_style(style.expect("the template is well-formed"))
        });
        bar.set_length(self.total_bytes.load(Ordering::Relaxed));
        bar.set_position(self.done_bytes.load(Ordering::Relaxed));
    }
}

impl roar_run::Monitor for Progress {
    fn add_to_hash(&self, bytes: u64) {
        self.total_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.begun.get_or_init(Instant::now);
    }

    fn add_hashed(&self, bytes: u64) {
        self.done_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.draw();
    }

    fn note(&self, text: &str) {
        if self.wants_notes {
            say(text);
        }
    }
}
