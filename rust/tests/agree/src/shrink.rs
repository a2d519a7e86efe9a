//! The least program that still goes wrong: everything is taken away that can be (ddmin, by Zeller and Hildebrandt).

use crate::script::Program;

/// Attempts after which what there is must do; a program of 70 parts takes some hundred.
const ATTEMPTS_MAX: usize = 600;

/// Returns a program made of parts of this one of which `is_wrong` still holds, and no part of which can be left out alone.
pub fn shrink(program: &Program, mut is_wrong: impl FnMut(&Program) -> bool) -> Program {
    let mut kept: Vec<usize> = (0..program.world.len() + program.lines.len()).collect();
    let mut size = kept.len().div_ceil(2);
    let mut attempts = 0;
    while size > 0 && !kept.is_empty() {
        let mut at = 0;
        let mut has_shrunk = false;
        // The last lines first: what comes before them makes sense without them.
        while at < kept.len() && attempts < ATTEMPTS_MAX {
            let end = kept.len() - at;
            let begin = end.saturating_sub(size);
            let rest: Vec<usize> = [&kept[..begin], &kept[end..]].concat();
            attempts += 1;
            if is_wrong(&part(program, &rest)) {
                kept = rest;
                has_shrunk = true;
            } else {
                at += size;
            }
        }
        if attempts >= ATTEMPTS_MAX {
            break;
        }
        if !has_shrunk || size > 1 {
            size = if size == 1 { 0 } else { size.div_ceil(2) };
        }
    }
    part(program, &kept)
}

/// Returns the parts of these numbers: what the world has, then the lines.
fn part(program: &Program, numbers: &[usize]) -> Program {
    let in_world = program.world.len();
    let (world, lines): (Vec<usize>, Vec<usize>) = numbers.iter().partition(|number| **number < in_world);
    Program {
        world: world.into_iter().map(|at| program.world[at].clone()).collect(),
        lines: lines.into_iter().map(|at| program.lines[at - in_world].clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use conformance::report::Role;

    use super::*;
    use crate::generate::generate;
    use crate::model::{Machine, Model};

    /// Whether the model expects something of a program that is taken for wrong here.
    fn has_moved_input(program: &Program) -> bool {
        let settled = Model::settle(&Machine::anywhere(), program);
        let records = settled.model.expected();
        records.iter().any(|record| record.role == Role::Output && record.renamed_from.is_some())
    }

    #[test]
    fn what_is_left_is_still_wrong_and_no_part_of_it_can_go() {
        let wrong = (0..200).map(|number| generate(7, number)).filter(has_moved_input).take(5);
        let mut count = 0;
        for program in wrong {
            count += 1;
            let least = shrink(&program, has_moved_input);
            assert!(has_moved_input(&least), "{least}");
            // A file from before and the call that moves it, with the task that does it and the directories that they are in.
            assert!(least.world.len() <= 5 && least.lines.len() <= 4, "{least}");
            let parts = least.world.len() + least.lines.len();
            for left_out in 0..parts {
                let rest: Vec<usize> = (0..parts).filter(|at| *at != left_out).collect();
                assert!(!has_moved_input(&part(&least, &rest)), "{left_out} of\n{least}");
            }
        }
        assert_eq!(count, 5);
    }

    #[test]
    fn it_ends_whatever_is_said() {
        let program = generate(7, 1);
        assert_eq!(shrink(&program, |_| true), Program::default());
        assert_eq!(shrink(&program, |_| false), program);
        let mut is_wrong = false;
        shrink(&program, |_| {
            is_wrong = !is_wrong;
            is_wrong
        });
    }
}
