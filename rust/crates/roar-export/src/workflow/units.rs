//! Which jobs are one rule.

use std::collections::{BTreeMap, BTreeSet};

use crate::lineage::Lineage;

/// Jobs that are one rule, and the files of that rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    /// The jobs, in order.
    pub(super) jobs: Vec<usize>,
    /// What it takes from outside.
    pub(super) inputs: BTreeSet<Vec<u8>>,
    /// What it leaves.
    pub(super) outputs: BTreeSet<Vec<u8>>,
    /// Outputs that it also takes: they were there before, and are updated.
    pub(super) updated: BTreeSet<Vec<u8>>,
}

/// Returns the rules, each after those that it takes from.
pub(super) fn units(lineage: &Lineage) -> Vec<Unit> {
    let order = order(lineage);
    let mut units: Vec<Unit> = strongly_connected(&order)
        .into_iter()
        .map(|jobs| unit(lineage, jobs.into_iter().collect()))
        .collect();
    units.sort_by_key(|unit| unit.jobs.last().copied());
    units
}

/// Returns for each job those that must come after it. Jobs that wrote the same path come after each other, so that no order
/// can tell them apart.
fn order(lineage: &Lineage) -> Vec<BTreeSet<usize>> {
    let mut after = vec![BTreeSet::new(); lineage.jobs.len()];
    let mut readers: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    let mut writers: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (index, job) in lineage.jobs.iter().enumerate() {
        for input in &job.inputs {
            readers.entry(&input.path).or_default().push(index);
            after_maker(lineage, input.artifact, index, &mut after);
        }
        let written = job.outputs.iter().map(|flow| flow.path.as_slice());
        for path in written.chain(job.deleted.iter().map(Vec::as_slice)) {
            writers.entry(path).or_default().push(index);
        }
    }
    for (path, writers) in &writers {
        for pair in writers.windows(2) {
            after[pair[0]].insert(pair[1]);
            after[pair[1]].insert(pair[0]);
        }
        for reader in readers.get(path).into_iter().flatten() {
            for writer in writers {
                if reader <= writer {
                    // It has read another version, and no rule can say which: it goes into the same one.
                    after[*reader].insert(*writer);
                }
                after[*writer].insert(*reader);
            }
        }
    }
    for (index, after) in after.iter_mut().enumerate() {
        after.remove(&index);
    }
    after
}

fn after_maker(lineage: &Lineage, artifact: usize, job: usize, after: &mut [BTreeSet<usize>]) {
    if let Some(maker) = lineage.artifacts[artifact].producer {
        after[maker].insert(job);
    }
}

fn unit(lineage: &Lineage, jobs: BTreeSet<usize>) -> Unit {
    let mut unit = Unit { jobs: jobs.into_iter().collect(), ..Unit::default() };
    let mut written = BTreeSet::new();
    for job in unit.jobs.iter().map(|job| &lineage.jobs[*job]) {
        let taken = job.inputs.iter().map(|flow| &flow.path).filter(|path| !written.contains(*path));
        unit.inputs.extend(taken.cloned());
        for path in &job.deleted {
            unit.outputs.remove(path);
            written.insert(path);
        }
        for flow in &job.outputs {
            unit.outputs.insert(flow.path.clone());
            written.insert(&flow.path);
        }
    }
    unit.updated = unit.inputs.intersection(&unit.outputs).cloned().collect();
    unit.inputs.retain(|path| !unit.outputs.contains(path));
    unit
}

/// Returns the strongly connected components of a graph (Kosaraju's algorithm, without recursion).
fn strongly_connected(after: &[BTreeSet<usize>]) -> Vec<Vec<usize>> {
    let mut before = vec![BTreeSet::new(); after.len()];
    for (node, after) in after.iter().enumerate() {
        for next in after {
            before[*next].insert(node);
        }
    }
    let mut is_seen = vec![false; after.len()];
    let mut finished = Vec::new();
    for node in 0..after.len() {
        finished.extend(reached(node, after, &mut is_seen));
    }
    is_seen.fill(false);
    let components = finished.into_iter().rev().map(|node| reached(node, &before, &mut is_seen));
    components.filter(|component| !component.is_empty()).collect()
}

/// Returns what can be reached from a node and was not seen yet, in the order in which the search leaves it.
fn reached(start: usize, next: &[BTreeSet<usize>], is_seen: &mut [bool]) -> Vec<usize> {
    let mut left = Vec::new();
    if std::mem::replace(&mut is_seen[start], true) {
        return left;
    }
    let mut open = vec![(start, next[start].iter())];
    while let Some((node, rest)) = open.last_mut() {
        match rest.next() {
            Some(next_node) => {
                if !std::mem::replace(&mut is_seen[*next_node], true) {
                    open.push((*next_node, next[*next_node].iter()));
                }
            }
            None => {
                left.push(*node);
                open.pop();
            }
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::{Artifact, Flow, Job};

    /// Returns lineage of jobs written as `in,in>out,out`; a name before which stands `-` is deleted.
    fn lineage(jobs: &[&str]) -> Lineage {
        let mut lineage = Lineage::default();
        let mut newest: BTreeMap<String, usize> = BTreeMap::new();
        let names = |text: &str| {
            text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        for (index, line) in jobs.iter().enumerate() {
            let (inputs, outputs) = line.split_once('>').unwrap();
            let mut job = Job::default();
            for name in names(inputs) {
                let artifact = *newest.entry(name.clone()).or_insert_with(|| {
                    lineage.artifacts.push(Artifact { path: name.clone().into(), ..Artifact::default() });
                    lineage.artifacts.len() - 1
                });
                job.inputs.push(Flow { artifact, path: name.into() });
            }
            for name in names(outputs) {
                if let Some(name) = name.strip_prefix('-') {
                    job.deleted.push(name.into());
                    continue;
                }
                let path = name.clone().into_bytes();
                lineage.artifacts.push(Artifact {
                    path: path.clone(),
                    producer: Some(index),
                    ..Artifact::default()
                });
                newest.insert(name, lineage.artifacts.len() - 1);
                job.outputs.push(Flow { artifact: lineage.artifacts.len() - 1, path });
            }
            lineage.jobs.push(job);
        }
        lineage
    }

    /// Returns rules as `jobs: in,in>out,out`.
    fn shown(jobs: &[&str]) -> Vec<String> {
        let words = |names: &BTreeSet<Vec<u8>>| {
            names.iter().map(|name| String::from_utf8(name.clone()).unwrap()).collect::<Vec<_>>().join(",")
        };
        let shown = |unit: Unit| format!("{:?}: {}>{}", unit.jobs, words(&unit.inputs), words(&unit.outputs));
        units(&lineage(jobs)).into_iter().map(shown).collect()
    }

    #[test]
    fn a_chain_is_a_rule_for_each_job() {
        assert_eq!(shown(&["a>b", "b,x>c", "c>"]), ["[0]: a>b", "[1]: b,x>c", "[2]: c>"]);
    }

    #[test]
    fn jobs_that_write_the_same_path_are_one_rule_with_what_comes_between() {
        assert_eq!(shown(&["a>b", "b>c", "c>b", "b>d"]), ["[0, 1, 2]: a>b,c", "[3]: b>d"]);
        // The second does not say so, but must see the first version.
        assert_eq!(shown(&["a>b", "b>c", "x>b"]), ["[0, 1, 2]: a,x>b,c"]);
    }

    #[test]
    fn who_has_read_what_is_written_later_is_in_the_same_rule() {
        assert_eq!(shown(&["a>b", "b>a"]), ["[0, 1]: >a,b"]);
        assert_eq!(shown(&["a>b", "x>a"]), ["[0, 1]: x>a,b"]);
        assert_eq!(units(&lineage(&["a>b", "b>a"]))[0].updated.len(), 1);
    }

    #[test]
    fn what_was_there_before_and_is_updated_is_an_output() {
        assert_eq!(shown(&["a>a"]), ["[0]: >a"]);
        assert_eq!(units(&lineage(&["a>a"]))[0].updated.len(), 1);
    }

    #[test]
    fn what_is_deleted_later_is_no_output() {
        assert_eq!(shown(&["a>b,c", "b>d", ">-b"]), ["[0, 1, 2]: a>c,d"]);
    }
}
