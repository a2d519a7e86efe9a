//! What is drawn of a graph: jobs, files, and lines between them.

use std::collections::{BTreeMap, BTreeSet};

use roar_dag::{Evidence, Graph, JobIndex, VersionIndex};

/// Files that the same jobs made and used are drawn one by one up to this number; more are one node, unless all are asked
/// for: what a person takes in at a glance.
const APART_MAX: usize = 8;

/// What is drawn.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Picture {
    /// The nodes: the jobs in the order of the graph, then the files.
    pub(super) nodes: Vec<Node>,
    /// The lines, each once.
    pub(super) links: BTreeSet<Link>,
}

/// A job, or files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// A job.
    Job(JobIndex),
    /// Versions that are drawn as one; at least one.
    Files(Vec<VersionIndex>),
}

/// A line from one node to another, by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    /// Where it begins.
    pub(super) from: usize,
    /// Where it ends.
    pub(super) to: usize,
    /// What it says.
    pub(super) kind: LinkKind,
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LinkKind {
    /// That content went this way.
    Content,
    /// The same, as far as names tell: one of the two was not hashed.
    Path,
}

impl Picture {
    /// Returns what is drawn; `is_apart`: every file for itself, however many.
    pub(super) fn new(graph: &Graph, is_apart: bool) -> Self {
        let groups = groups(graph, if is_apart { usize::MAX } else { APART_MAX });
        let mut place_of = vec![0; graph.versions.len()];
        for (place, group) in (graph.jobs.len()..).zip(&groups) {
            for version in group {
                place_of[version.index()] = place;
            }
        }
        let mut links = BTreeSet::new();
        for (job, node) in graph.indexed_jobs() {
            let kind = |evidence| match evidence {
                Evidence::Content => LinkKind::Content,
                Evidence::Path => LinkKind::Path,
            };
            for edge in &node.consumes {
                let from = place_of[edge.version.index()];
                links.insert(Link { from, to: job.index(), kind: kind(edge.evidence) });
            }
            for edge in &node.produces {
                let to = place_of[edge.version.index()];
                links.insert(Link { from: job.index(), to, kind: kind(edge.evidence) });
                if let Some(prior) = graph.version(edge.version).prior {
                    let from = place_of[prior.index()];
                    links.insert(Link { from, to: job.index(), kind: LinkKind::Content });
                }
            }
        }
        let jobs = graph.indexed_jobs().map(|(index, _)| Node::Job(index));
        Self { nodes: jobs.chain(groups.into_iter().map(Node::Files)).collect(), links }
    }
}

/// Returns the versions, those that the same jobs made and used together where they are more than `apart_max`.
fn groups(graph: &Graph, apart_max: usize) -> Vec<Vec<VersionIndex>> {
    let mut users = vec![BTreeSet::new(); graph.versions.len()];
    for (job, node) in graph.indexed_jobs() {
        for edge in &node.consumes {
            users[edge.version.index()].insert(job);
        }
        for prior in node.produces.iter().filter_map(|edge| graph.version(edge.version).prior) {
            users[prior.index()].insert(job);
        }
    }
    let mut alike: BTreeMap<_, Vec<VersionIndex>> = BTreeMap::new();
    for (index, version) in graph.indexed_versions() {
        let made_by = (version.producer, version.superseded_producer);
        alike.entry((made_by, &users[index.index()])).or_default().push(index);
    }
    let mut groups: Vec<Vec<VersionIndex>> = Vec::new();
    for versions in alike.into_values() {
        if versions.len() > apart_max {
            groups.push(versions);
        } else {
            groups.extend(versions.into_iter().map(|version| vec![version]));
        }
    }
    groups.sort();
    groups
}

#[cfg(test)]
mod tests {
    use roar_dag::{Content, FileUse, JobRecord, Span, Use};

    use super::*;

    fn content(name: &str) -> Option<Content> {
        Some(Content { hash: name.to_owned(), is_link: false })
    }

    fn job(step: u64, files: Vec<FileUse>) -> JobRecord {
        JobRecord {
            id: step.to_string(),
            step,
            command: vec![],
            cwd: vec![],
            span: Span::default(),
            rerun_of: None,
            files,
        }
    }

    fn file(path: &str, usage: Use) -> FileUse {
        FileUse { path: path.into(), usage, since_unix_ns: None }
    }

    /// Ten files, of which the next job uses all and the one after it one.
    fn ten() -> Graph {
        let name = |at: usize| format!("f{at}");
        let made = (0..10).map(|at| file(&name(at), Use::Produced(content(&name(at)))));
        let used = (0..10).map(|at| file(&name(at), Use::Consumed(content(&name(at)))));
        Graph::from_records(&[
            job(1, made.collect()),
            job(2, used.collect()),
            job(3, vec![file("f0", Use::Consumed(content("f0")))]),
        ])
    }

    #[test]
    fn many_files_of_the_same_jobs_are_one_node() {
        let picture = Picture::new(&ten(), false);
        let files = picture.nodes.iter().filter_map(|node| match node {
            Node::Files(versions) => Some(versions.len()),
            Node::Job(_) => None,
        });
        assert_eq!(files.collect::<Vec<_>>(), [1, 9]);
        assert_eq!(picture.links.len(), 5);
        let apart = Picture::new(&ten(), true);
        assert_eq!((apart.nodes.len(), apart.links.len()), (13, 21));
    }

    #[test]
    fn a_file_that_is_updated_leads_through_the_job_that_did() {
        let graph = Graph::from_records(&[
            job(1, vec![file("a", Use::Produced(content("one")))]),
            job(2, vec![file("a", Use::Updated { before: content("one"), after: content("two") })]),
        ]);
        let picture = Picture::new(&graph, false);
        let links: Vec<(usize, usize)> = picture.links.iter().map(|link| (link.from, link.to)).collect();
        assert_eq!(links, [(0, 2), (1, 3), (2, 1)]);
    }
}
