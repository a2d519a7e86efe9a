//! From rows to the graph.

use std::thread;

use roar_dag::{
    Builder, Content, ContentIndex, ContentRef, Contents, FileUse, Graph, JobRecord, Legend, NOTHING, Names,
    NumberedUse, PathIndex, Span, Use,
};
use roar_store::{Error, Job, SessionFile, SessionKey, SessionUse, SessionUses, Store, content_name};
use tracer_schema::{NodeKind, PathBytes, Prior, Role};

/// Returns the graph of a session and its jobs, in the order of their steps. Files that lists leave out are not in it.
///
/// # Errors
/// Those of the store.
pub fn of_session(store: &Store, session: SessionKey) -> Result<(Graph, Vec<Job>), Error> {
    store.at_one_time_by_two(|second| read(store, second, session))
}

fn read(store: &Store, mut second: Option<Store>, session: SessionKey) -> Result<(Graph, Vec<Job>), Error> {
    let mut jobs = store.jobs_of_session(session, usize::MAX)?;
    jobs.reverse();
    let uses = store.session_uses(&jobs, second.as_mut())?;
    // The graph is one of numbers: what they stand for is read meanwhile.
    let (builder, paths, contents) = thread::scope(|scope| {
        let builder = scope.spawn(|| builder(&jobs, &uses));
        let uses = &uses;
        let apart = second.map(|second| scope.spawn(move || paths(&second, uses)));
        let contents = contents(store, uses);
        let paths = match apart {
            Some(apart) => apart.join().expect("reading does not panic"),
            None => paths(store, uses),
        };
        (builder.join().expect("making a graph does not panic"), paths, contents)
    });
    Ok((builder.finish(Legend { paths: paths?, contents: contents? }), jobs))
}

fn builder(jobs: &[Job], uses: &SessionUses) -> Builder {
    let nothing = uses.nothing().map(|number| ContentIndex::new(number as usize));
    let spans = jobs.iter().map(span);
    let mut builder = Builder::with_capacity(spans, uses.paths_len(), uses.artifacts_len(), nothing);
    let mut files = Vec::new();
    for (place, job) in jobs.iter().enumerate() {
        files.clear();
        files.extend(uses.of_job(place).iter().filter_map(|file| numbered(uses, file)));
        files.extend(uses.links_of_job(place).iter().map(|path| NumberedUse {
            path: PathIndex::new(*path as usize),
            usage: Use::Followed,
            since_unix_ns: None,
        }));
        builder.add(node(job), &files);
    }
    builder
}

fn paths(store: &Store, uses: &SessionUses) -> Result<Names, Error> {
    let mut paths = Names::with_len(uses.paths_len());
    store.each_path(uses, |number, path| paths.set(number as usize, path))?;
    Ok(paths)
}

fn contents(store: &Store, uses: &SessionUses) -> Result<Contents, Error> {
    let mut contents = Contents::with_len(uses.artifacts_len());
    store.each_artifact(uses, |number, hash, kind| {
        let content = ContentRef { hash: &content_name(kind, hash), is_link: kind == NodeKind::Symlink };
        contents.set(number as usize, content);
    })?;
    Ok(contents)
}

fn node(job: &Job) -> roar_dag::Job {
    let command = job.command.iter().map(|word| word.0.clone()).collect();
    let node = roar_dag::Job::new(job.id.clone(), job.step, command, job.cwd.0.clone(), span(job));
    roar_dag::Job { rerun_of: job.rerun_of.clone(), ..node }
}

fn numbered(uses: &SessionUses, file: &SessionUse) -> Option<NumberedUse> {
    let SessionUse { path, role, prior, artifact, prior_artifact, since_unix_ns } = *file;
    let content = |artifact: Option<u32>| artifact.map(|number| ContentIndex::new(number as usize));
    let was_empty = prior_artifact.is_some() && prior_artifact == uses.nothing();
    let usage = usage(role, prior, was_empty, content(artifact), content(prior_artifact))?;
    Some(NumberedUse { path: PathIndex::new(path as usize), usage, since_unix_ns })
}

/// Returns when a job ran.
pub(crate) fn span(job: &Job) -> Span {
    let duration_ns = i64::try_from(job.duration_ns).unwrap_or(i64::MAX);
    Span { start_unix_ns: job.started_unix_ns, end_unix_ns: job.started_unix_ns.saturating_add(duration_ns) }
}

/// Returns a job as the graph takes it, with the symbolic links by which it came to inputs.
pub fn record_of(job: &Job, files: Vec<SessionFile>, links: Vec<PathBytes>) -> JobRecord {
    let followed = |link: PathBytes| FileUse { path: link.0, usage: Use::Followed, since_unix_ns: None };
    JobRecord {
        id: job.id.clone(),
        step: job.step,
        command: job.command.iter().map(|word| word.0.clone()).collect(),
        cwd: job.cwd.0.clone(),
        span: span(job),
        rerun_of: job.rerun_of.clone(),
        files: files.into_iter().filter_map(file_use).chain(links.into_iter().map(followed)).collect(),
    }
}

fn file_use(file: SessionFile) -> Option<FileUse> {
    let SessionFile { path, role, kind, prior, is_filtered, hash, prior_hash, since_unix_ns, .. } = file;
    if is_filtered {
        return None;
    }
    let content =
        |hash: Option<String>| hash.map(|hash| Content { hash, is_link: kind == NodeKind::Symlink });
    let was_empty = prior_hash.as_deref() == Some(NOTHING);
    let usage = usage(role, prior, was_empty, content(hash), content(prior_hash))?;
    Some(FileUse { path: path.0, usage, since_unix_ns })
}

/// Returns what a job did to a file, as far as the graph knows of it.
fn usage<C>(
    role: Role,
    prior: Option<Prior>,
    was_empty: bool,
    content: Option<C>,
    before: Option<C>,
) -> Option<Use<C>> {
    Some(match (role, prior) {
        (Role::Input, _) => Use::Consumed(content),
        // Nothing is left of nothing: the shell has emptied the file for `> file`, before the run.
        (Role::Output, Some(Prior::Kept)) if was_empty => Use::Produced(content),
        (Role::Output, Some(Prior::Kept)) => Use::Updated { before, after: content },
        (Role::Output, Some(Prior::Replaced) | None) => Use::Produced(content),
        (Role::Deleted, _) => Use::Deleted,
        (Role::Temporary, _) => return None,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_graph_and_the_store_have_the_same_name_for_no_bytes() {
        assert_eq!(roar_dag::NOTHING, tracer_schema::BLAKE3_OF_NOTHING);
    }
}
