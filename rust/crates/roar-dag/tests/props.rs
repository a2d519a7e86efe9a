//! What holds for whatever was recorded.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use roar_dag::{Content, FileUse, Graph, JobRecord, Span, Use};

/// Few contents and paths, so that they meet.
fn content() -> impl Strategy<Value = Option<Content>> {
    prop_oneof![
        1 => Just(None),
        6 => (0..4_u8, prop::bool::weighted(0.1)).prop_map(|(hash, is_link)| {
            Some(Content { hash: hash.to_string(), is_link })
        }),
    ]
}

fn file() -> impl Strategy<Value = FileUse> {
    let usage = prop_oneof![
        4 => content().prop_map(Use::Consumed),
        4 => content().prop_map(Use::Produced),
        2 => (content(), content()).prop_map(|(before, after)| Use::Updated { before, after }),
        1 => Just(Use::Deleted),
    ];
    (0..5_u8, usage).prop_map(|(path, usage)| FileUse { path: vec![b'a' + path], usage, since_unix_ns: None })
}

fn records() -> impl Strategy<Value = Vec<JobRecord>> {
    vec((0..4_u8, 0..2_u8, vec(file(), 0..8)), 0..10).prop_map(|jobs| {
        (1..)
            .zip(jobs)
            .map(|(step, (command, cwd, files))| JobRecord {
                span: Span::default(),
                rerun_of: None,
                id: format!("job-{step}"),
                step,
                command: vec![vec![command]],
                cwd: vec![cwd],
                files,
            })
            .collect()
    })
}

/// Returns whether jobs and versions can be put in an order in which every edge leads forward.
fn is_acyclic(graph: &Graph) -> bool {
    let mut done_jobs = BTreeSet::new();
    let mut done_versions = BTreeSet::new();
    loop {
        let before = done_jobs.len() + done_versions.len();
        for (index, version) in graph.indexed_versions() {
            let is_ready = version.producer.is_none_or(|job| done_jobs.contains(&job))
                && version.prior.is_none_or(|prior| done_versions.contains(&prior));
            if is_ready {
                done_versions.insert(index);
            }
        }
        for (index, job) in graph.indexed_jobs() {
            if job.consumes.iter().all(|edge| done_versions.contains(&edge.version)) {
                done_jobs.insert(index);
            }
        }
        if done_jobs.len() + done_versions.len() == before {
            return done_jobs.len() == graph.jobs.len() && done_versions.len() == graph.versions.len();
        }
    }
}

proptest! {
    #[test]
    fn there_is_never_a_cycle(records in records()) {
        let graph = Graph::from_records(&records);
        prop_assert!(is_acyclic(&graph));
        prop_assert!(is_acyclic(&graph.clone().collapse()));
    }

    #[test]
    fn every_edge_of_the_full_graph_leads_to_a_later_step(records in records()) {
        let graph = Graph::from_records(&records);
        for (index, job) in graph.indexed_jobs() {
            for edge in &job.consumes {
                let producer = graph.version(edge.version).producer;
                prop_assert!(producer.is_none_or(|producer| producer < index));
            }
        }
    }

    #[test]
    fn nothing_comes_from_itself(records in records()) {
        for graph in [Graph::from_records(&records), Graph::from_records(&records).collapse()] {
            for (index, job) in graph.indexed_jobs() {
                prop_assert!(!graph.ancestry_of_job(index).jobs.contains(&index));
                for edge in &job.produces {
                    prop_assert!(!graph.ancestry(edge.version).versions.contains(&edge.version));
                    prop_assert!(graph.ancestry(edge.version).jobs.contains(&index));
                }
            }
        }
    }

    #[test]
    fn every_use_is_an_edge(records in records()) {
        let graph = Graph::from_records(&records);
        for (record, job) in records.iter().zip(&graph.jobs) {
            let count = |of: fn(&Use) -> bool| record.files.iter().filter(|file| of(&file.usage)).count();
            prop_assert_eq!(job.consumes.len(), count(|usage| matches!(usage, Use::Consumed(_))));
            prop_assert_eq!(
                job.produces.len(),
                count(|usage| matches!(usage, Use::Produced(_) | Use::Updated { .. }))
            );
        }
    }

    #[test]
    fn an_edge_known_by_content_is_of_that_content(records in records()) {
        let graph = Graph::from_records(&records);
        for graph in [graph.clone().collapse(), graph] {
            for job in &graph.jobs {
                let record = records.iter().find(|record| record.step == job.step).unwrap();
                let consumed = record.files.iter().filter_map(|file| match &file.usage {
                    Use::Consumed(content) => Some(content),
                    Use::Produced(_) | Use::Updated { .. } | Use::Deleted | Use::Followed => None,
                });
                for (edge, content) in job.consumes.iter().zip(consumed) {
                    if edge.evidence == roar_dag::Evidence::Content {
                        prop_assert_eq!(graph.content(edge.version), content.as_ref().map(Content::view));
                    }
                }
            }
        }
    }

    #[test]
    fn a_step_that_is_left_out_was_run_again(records in records()) {
        let whole = Graph::from_records(&records);
        let collapsed = whole.clone().collapse();
        let steps = collapsed.jobs.iter().flat_map(|job| job.supersedes.iter().chain([&job.step]));
        let mut steps: Vec<u64> = steps.copied().collect();
        steps.sort_unstable();
        prop_assert_eq!(steps, (1..=records.len() as u64).collect::<Vec<u64>>());
        let of_step = |step: u64| {
            let mut jobs = whole.indexed_jobs();
            jobs.find(|(_, job)| job.step == step).expect("every step is in the whole graph")
        };
        for job in &collapsed.jobs {
            let (again, later) = of_step(job.step);
            for step in &job.supersedes {
                let (_, left_out) = of_step(*step);
                prop_assert!(*step < job.step);
                prop_assert_eq!((&left_out.command, &left_out.cwd), (&later.command, &later.cwd));
                prop_assert!(left_out.produces.is_empty() || !later.produces.is_empty());
                // It took nothing straight from what it stands for.
                let makers = whole.job(again).consumes.iter().filter_map(|edge| whole.version(edge.version).producer);
                prop_assert!(makers.map(|maker| whole.job(maker).step).all(|maker| maker != *step));
            }
        }
    }

    #[test]
    fn the_order_has_every_job_after_those_that_it_takes_from(records in records()) {
        let graph = Graph::from_records(&records).collapse();
        let order = graph.jobs_in_order();
        prop_assert_eq!(order.len(), graph.jobs.len());
        for (at, job) in order.iter().enumerate() {
            let ancestors = graph.ancestry_of_job(*job).jobs;
            prop_assert!(ancestors.iter().all(|ancestor| order[..at].contains(ancestor)));
        }
    }

    #[test]
    fn a_job_makes_one_version_of_each_content(records in records()) {
        let graph = Graph::from_records(&records);
        let mut seen = BTreeSet::new();
        for version in &graph.versions {
            if let (Some(producer), Some(content)) = (version.producer, version.content) {
                prop_assert!(seen.insert((producer, content)));
            }
        }
    }
}
