//! The graph as a page that needs nothing else: what is in it, and where it stands.

use std::fmt::Write;

use roar_dag::{Graph, VersionIndex};
use roar_layout::{Places, Size};
use roar_store::{JobContext, Store};
use serde::Serialize;

use super::label::{Label, Labels};
use super::picture::{LinkKind, Node, Picture};
use crate::error::{CliError, Kind};
use crate::phrase;
use crate::view::JobView;

const PAGE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Characters of a line in a node.
pub(super) const LINE_MAX: usize = 32;

/// What a character and a line take, in the font of the style, and what is around them.
const CHARACTER_WIDTH: f64 = 6.7;
const LINE_HEIGHT: f64 = 16.0;
const PADDING: f64 = 10.0;

/// Names of one node that are listed: what a person scrolls through. The rest is counted.
const NAMES_MAX: usize = 500;

/// What the script draws.
#[derive(Serialize)]
struct Data {
    jobs: usize,
    files: usize,
    nodes: Vec<NodeData>,
    links: Vec<LinkData>,
}

#[derive(Serialize)]
struct NodeData {
    kind: &'static str,
    /// What the address of the page ends with when it is chosen.
    name: String,
    x: f64,
    y: f64,
    w: f64,
    h: f64,
    lines: Vec<String>,
    marks: Vec<&'static str>,
    title: String,
    facts: Facts,
    members: Vec<String>,
}

#[derive(Serialize)]
struct LinkData {
    from: usize,
    to: usize,
    /// By its name alone.
    guess: bool,
    points: Vec<(f64, f64)>,
}

/// Returns the page.
pub(super) fn page(
    store: &Store,
    graph: &Graph,
    picture: &Picture,
    labels: &Labels<'_>,
) -> Result<String, CliError> {
    let told: Vec<Label> = picture.nodes.iter().map(|node| labels.of(node)).collect();
    let sizes: Vec<Size> = told.iter().map(size).collect();
    let lines: Vec<(usize, usize)> = picture.links.iter().map(|link| (link.from, link.to)).collect();
    let Places { nodes: places, lines: routes } = roar_layout::place(&sizes, &lines);
    let mut nodes = Vec::with_capacity(told.len());
    for (((node, label), place), size) in picture.nodes.iter().zip(told).zip(places).zip(&sizes) {
        let (kind, name, facts, members) = describe(store, graph, node, labels)?;
        nodes.push(NodeData {
            kind,
            name,
            x: rounded(place.x),
            y: rounded(place.y),
            w: rounded(size.width),
            h: rounded(size.height),
            lines: label.lines,
            marks: label.marks,
            title: label.title,
            facts,
            members,
        });
    }
    let links = picture.links.iter().zip(routes).map(|(link, points)| LinkData {
        from: link.from,
        to: link.to,
        guess: link.kind == LinkKind::Path,
        points: points.iter().map(|point| (rounded(point.x), rounded(point.y))).collect(),
    });
    let data = Data { jobs: graph.jobs.len(), files: graph.versions.len(), nodes, links: links.collect() };
    let json = serde_json::to_string(&data)
        .map_err(|error| CliError::new(Kind::Internal, "cannot write JSON").with_source(&error))?;
    Ok(filled(&[("STYLE", STYLE), ("SCRIPT", SCRIPT), ("DATA", &inert(&json))]))
}

fn size(label: &Label) -> Size {
    let longest = label.lines.iter().map(|line| phrase::columns(line)).max().unwrap_or(0);
    let lines = label.lines.len() + usize::from(!label.marks.is_empty());
    Size {
        width: (longest.max(8) as f64).mul_add(CHARACTER_WIDTH, 2.0 * PADDING),
        height: (lines as f64).mul_add(LINE_HEIGHT, PADDING),
    }
}

/// Tenths are more than a screen shows.
fn rounded(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// What the panel says of a node, line by line.
type Facts = Vec<(&'static str, String)>;

type Description = (&'static str, String, Facts, Vec<String>);

/// Returns kind, name, facts and members of a node.
fn describe(store: &Store, graph: &Graph, node: &Node, labels: &Labels<'_>) -> Result<Description, CliError> {
    Ok(match node {
        Node::Job(index) => {
            let job = graph.job(*index);
            ("job", format!("@{}", job.step), job_facts(store, job, labels)?, Vec::new())
        }
        Node::Files(versions) => match versions.as_slice() {
            [version] => {
                let (name, facts) = file_facts(store, graph, *version, labels)?;
                ("file", name, facts, Vec::new())
            }
            versions => {
                let mut members: Vec<String> =
                    versions.iter().take(NAMES_MAX).map(|version| member(graph, *version, labels)).collect();
                if let more @ 1.. = versions.len().saturating_sub(NAMES_MAX) {
                    members.push(format!("… {} more", phrase::number(more as u64)));
                }
                let count = phrase::number(versions.len() as u64);
                let name = format!("files-{}", versions[0].index());
                ("files", name, vec![("files", count)], members)
            }
        },
    })
}

fn job_facts(store: &Store, job: &roar_dag::Job, labels: &Labels<'_>) -> Result<Facts, CliError> {
    let Some(record) = labels.record(job) else {
        return Ok(Vec::new());
    };
    let view = JobView::from(record);
    let JobContext { labels: own, git, patch: _, streams: _, packages, env: _ } =
        store.context(record.key)?;
    let mut facts = vec![
        ("command", view.command_line()),
        ("directory", crate::quote::word(record.cwd.as_bytes())),
        (
            "started",
            format!(
                "{} UTC",
                roar_store::rfc3339(record.started_unix_ns).replace('T', " ").get(..19).unwrap_or_default()
            ),
        ),
        ("took", phrase::duration(record.duration_ns)),
        ("exit", phrase::exit(record.exit)),
        ("backend", record.backend.clone()),
    ];
    if !job.supersedes.is_empty() {
        let steps: Vec<String> = job.supersedes.iter().map(|step| format!("@{step}")).collect();
        facts.push(("again", format!("first {}", steps.join(" "))));
    }
    if !record.is_complete {
        let gaps = store.gaps(record.key)?;
        let gaps: Vec<String> = gaps.into_iter().map(|gap| gap.detail).collect();
        facts.push(("partial", gaps.join("; ")));
    }
    if let Some(git) = git
        && let Some(commit) = git.commit
    {
        let branch = git.branch.map_or_else(String::new, |branch| format!(" on {branch}"));
        let dirty = if git.is_dirty == Some(true) { ", with uncommitted changes" } else { "" };
        facts.push(("commit", format!("{commit}{branch}{dirty}")));
    }
    facts.extend(own.into_iter().map(|(key, value)| ("label", format!("{key}={value}"))));
    if !packages.is_empty() {
        facts.push(("packages", phrase::number(packages.len() as u64)));
    }
    facts.push(("id", record.id.clone()));
    Ok(facts)
}

fn file_facts(
    store: &Store,
    graph: &Graph,
    index: VersionIndex,
    labels: &Labels<'_>,
) -> Result<(String, Facts), CliError> {
    let version = graph.version(index);
    let mut facts: Facts = graph.names(index).map(|path| ("path", labels.path(path))).collect();
    let mut name = format!("file-{}", index.index());
    match graph.content(index) {
        Some(content) => {
            if let Some(hash) = content.as_hash() {
                name = format!("{}-{}", crate::view::short_hash(hash), index.index());
                facts.push(("hash", hash.to_owned()));
            }
            facts.extend(content.as_etag().map(|etag| ("ETag", etag.to_owned())));
            let known = store.artifacts_by_prefix(content.hash, 1)?.pop();
            if let Some(size) = known.and_then(|artifact| artifact.size) {
                facts.push(("size", phrase::size(size)));
            }
            if content.is_link {
                facts.push(("kind", "symbolic link".to_owned()));
            }
        }
        None => facts.push(("hash", "not hashed".to_owned())),
    }
    if version.prior.is_some() {
        facts.push(("update", "of the version that its step took".to_owned()));
    }
    if let Some(step) = version.superseded_producer {
        facts.push(("made by", format!("@{step}, since run again with another result")));
    }
    Ok((name, facts))
}

fn member(graph: &Graph, version: VersionIndex, labels: &Labels<'_>) -> String {
    let names: Vec<String> = graph.names(version).map(|path| labels.path(path)).collect();
    names.join(", ")
}

/// Returns JSON in which no sign means anything to HTML: `</script>` in a name ends nothing.
fn inert(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                write!(text, "\\u{:04x}", u32::from(character))
                    .expect("a string takes what is written to it");
            }
            character => text.push(character),
        }
    }
    text
}

/// Returns the page with its parts in their places. What is in a part is not looked at.
fn filled(parts: &[(&str, &str)]) -> String {
    let mut page = String::new();
    let mut rest = PAGE;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").expect("the page closes what it opens");
        page.push_str(before);
        let part = parts.iter().find(|(part, _)| *part == name);
        page.push_str(part.expect("the page has no other parts").1);
        rest = after;
    }
    page + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_ends_the_script() {
        let json = serde_json::to_string("</script><!-- & \u{2028}").unwrap();
        assert_eq!(inert(&json), r#""\u003c/script\u003e\u003c!-- \u0026 \u2028""#);
        assert_eq!(serde_json::from_str::<String>(&inert(&json)).unwrap(), "</script><!-- & \u{2028}");
    }

    #[test]
    fn a_part_that_looks_like_a_place_stays_as_it_is() {
        let page = filled(&[("STYLE", "{{DATA}}"), ("SCRIPT", ""), ("DATA", "{{SCRIPT}}")]);
        assert!(page.contains("{{DATA}}") && page.contains("{{SCRIPT}}"));
    }
}
