//! Programs from seeds: the same each time, of all kinds, and always to be run.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::model::Settled;
use crate::script::TASKS_MAX;

const COUNT: u64 = 300;

fn settled() -> impl Iterator<Item = Settled> {
    (0..COUNT).map(|number| Model::settle(&Machine::anywhere(), &generate(3, number)))
}

#[test]
fn a_program_follows_from_its_seed_and_number() {
    for number in 0..20 {
        assert_eq!(generate(5, number), generate(5, number));
    }
    let programs: BTreeSet<String> = (0..100).map(|number| generate(5, number).to_string()).collect();
    assert_eq!(programs.len(), 100);
    assert_ne!(generate(5, 0), generate(6, 0));
}

#[test]
fn a_program_is_read_as_it_is_printed() {
    for number in 0..50 {
        let program = generate(5, number);
        assert_eq!(program.to_string().parse::<Program>().unwrap(), program);
    }
}

#[test]
fn every_call_succeeds_at_times_and_some_fail() {
    let mut counts: BTreeMap<String, [u32; 2]> = BTreeMap::new();
    for settled in settled() {
        for (line, outcome) in settled.program.lines.iter().zip(&settled.outcomes) {
            counts.entry(line.call.clone()).or_default()[usize::from(outcome.is_err())] += 1;
        }
    }
    for (call, _) in CALLS {
        assert!(counts.get(*call).is_some_and(|count| count[0] > 0), "{call} never succeeds");
    }
    let total = |at: usize| counts.values().map(|count| count[at]).sum::<u32>();
    let (succeeded, failed) = (total(0), total(1));
    assert!(failed * 100 > succeeded * 3 && failed * 4 < succeeded, "{succeeded} succeed, {failed} fail");
}

#[test]
fn nothing_waits_forever_or_is_left_behind() {
    for settled in settled() {
        let Settled { program, outcomes, model } = settled;
        assert_eq!(program.lines.len(), outcomes.len() + 1);
        assert_eq!(program.lines.last().map(|line| line.call.as_str()), Some("end"));
        assert_eq!(model.tasks().count(), 1, "{program}");
    }
}

#[test]
fn a_program_without_some_of_its_lines_is_one_still() {
    for number in 0..60 {
        let whole = generate(3, number);
        let mut random = Random::new(9, number);
        let mut rest = whole.clone();
        rest.lines.retain(|_| !random.one_in(2));
        rest.world.retain(|_| !random.one_in(3));
        let settled = Model::settle(&Machine::anywhere(), &rest);
        let again = Model::settle(&Machine::anywhere(), &settled.program);
        // The `end` of the first is no call of the second.
        assert_eq!(again.program.world, settled.program.world);
        assert_eq!(again.outcomes, settled.outcomes, "{}", settled.program);
        assert!(settled.program.lines.iter().all(|line| line.task < TASKS_MAX));
    }
}
