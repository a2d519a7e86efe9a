//! A case: a file in `cases/`, and what is compared when it runs.
//!
//! ```text
//! # The rule, in words.
//! file x 10                       the world before the run: file, dir, fifo, symlink AT TARGET, link AT FILE
//!
//! open 100 x RDWR = 3             what the run does, in the order of the kernel, by process
//! write 100 3 = 5
//! --
//! x output kept ; out=5 by=100    every entry: path, role, what became of the version before; then facts, any of them
//! ```
//!
//! Paths are below `/w`. A file is named by path or by descriptor. `unseen` before a line: somebody outside the run does
//! it. A fact may be denied with `!`. Entries must be all there are, and so must `gap KIND PID [PATH]`, `absent PATH` and
//! `listing PATH` lines; `lost N`, `exit …` and `process …` lines are compared where there are any. A line `only descriptors`, `only resolved` or
//! `only fresh` (inode numbers are not used again) in the world restricts a case.

mod expected;

use tracer_fd::{Aggregator, RunSummary};
use tracer_schema::EventKind;
use tracer_schema::stream::{Item, Reader};

use crate::model::{Form, Machine, Refused};
use crate::oracle;
use expected::differences;

/// A case file, taken apart.
pub(crate) struct Case<'a> {
    world: Vec<&'a str>,
    events: Vec<&'a str>,
    expected: Vec<&'a str>,
    only: Vec<&'a str>,
}

/// One of the ways in which a case is run.
#[derive(Clone, Copy, Debug)]
struct Variant {
    form: Form,
    is_reusing: bool,
}

const VARIANTS: &[Variant] = &[
    Variant { form: Form::Descriptors, is_reusing: false },
    Variant { form: Form::Descriptors, is_reusing: true },
    Variant { form: Form::Resolved, is_reusing: false },
    Variant { form: Form::Resolved, is_reusing: true },
];

const WORLD_WORDS: &[&str] = &["file", "dir", "fifo", "only"];

fn is_of_world(line: &str) -> bool {
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        // The calls of these names have a process before the paths.
        ["link" | "symlink", first, ..] => first.parse::<u32>().is_err(),
        [first, ..] => WORLD_WORDS.contains(first),
        [] => false,
    }
}

impl<'a> Case<'a> {
    /// Takes a case file apart.
    pub(crate) fn parse(text: &'a str) -> Result<Self, String> {
        if !text.starts_with("# ") {
            return Err("a case begins with its rule in words, after #".to_owned());
        }
        let Some((before, after)) = text.split_once("\n--\n") else {
            return Err("a case has a line -- before what is expected".to_owned());
        };
        fn lines(part: &str) -> impl Iterator<Item = &str> {
            part.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
        }
        let (told, events): (Vec<_>, Vec<_>) = lines(before).partition(|line| is_of_world(line));
        let (only, world) = told.into_iter().partition(|line| line.starts_with("only "));
        Ok(Self { world, events, expected: lines(after).collect(), only })
    }

    fn includes(&self, variant: Variant) -> bool {
        self.only.iter().all(|only| match *only {
            "only descriptors" => variant.form == Form::Descriptors,
            "only resolved" => variant.form == Form::Resolved,
            "only fresh" => !variant.is_reusing,
            _ => panic!("no such restriction: {only}"),
        })
    }

    fn play(&self, variant: Variant) -> Result<Machine, String> {
        let told = |line: &str, refused| match refused {
            Refused::ByKernel(error) => format!("{line}: the kernel refuses: {error}"),
            Refused::Syntax(what) => format!("{line}: {what}"),
        };
        let mut machine = Machine::new(&self.world, variant.form, variant.is_reusing)
            .map_err(|refused| told("the world", refused))?;
        for line in &self.events {
            machine.perform(line).map_err(|refused| told(line, refused))?;
        }
        if !self.events.iter().any(|line| line.starts_with("end ")) {
            machine.finish();
        }
        Ok(machine)
    }

    /// Runs the case in every variant.
    ///
    /// # Errors
    /// What differs from what is expected, for a person.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut count = 0;
        for variant in VARIANTS.iter().filter(|variant| self.includes(**variant)) {
            count += 1;
            let mut machine = self.play(*variant)?;
            let mut aggregator = Aggregator::new();
            aggregator.apply_stream(&machine.tape.frames);
            let summary: RunSummary = aggregator.finish(&mut machine.files);
            let differences = differences(&self.expected, &summary);
            if !differences.is_empty() {
                return Err(format!("as told by {variant:?}:\n{differences}"));
            }
            // What somebody else did is no business of the run, and the files alone do not tell who did it.
            if !self.events.iter().any(|line| line.starts_with("unseen ")) {
                oracle::check(&machine, &summary.files)
                    .map_err(|wrong| format!("the files before and after contradict the case: {wrong}"))?;
            }
        }
        if count == 0 {
            return Err("the restrictions leave no way to run the case".to_owned());
        }
        Ok(())
    }

    /// Returns the kinds of events that the case tells, in any variant.
    pub(crate) fn kinds(&self) -> Result<Vec<EventKind>, String> {
        let mut kinds = Vec::new();
        for variant in VARIANTS.iter().filter(|variant| self.includes(**variant)) {
            let machine = self.play(*variant)?;
            kinds.extend(Reader::new(&machine.tape.frames).filter_map(|item| match item {
                Item::Text(..) => Some(EventKind::Text),
                Item::Event(event) => Some(event.kind),
                Item::Unknown(_) => None,
            }));
        }
        Ok(kinds)
    }
}
