//! What it takes to make an artifact anew.

use std::collections::BTreeSet;
use std::path::{Component, PathBuf};

use roar_dag::{Content, ContentRef, JobIndex, VersionIndex};
use roar_store::{Error, GitState, Job, JobContext, JobKind, Package, PackageKind, Patch, Store, Target};
use tracer_schema::{Found, PathBytes};

use crate::ancestry::{Lineage, Start};
use crate::disk::{Disk, is_there};
use crate::sources::{Source, Sources, within};

/// Where an input of a step comes from when it runs again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supply {
    /// From the commit.
    Commit,
    /// From the commit and the changes that were kept.
    Patch,
    /// A copy of what is on disk, which is still the same.
    Copy,
    /// It is used where it is, outside of the project, and is still the same.
    InPlace,
    /// It cannot be had, and why.
    None(String),
}

/// An input that no earlier step makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Where it was.
    pub path: PathBytes,
    /// What it was; absent where it was not hashed.
    pub content: Option<Content>,
    /// Where it comes from.
    pub supply: Supply,
}

/// A file that a step is to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Where it was.
    pub path: PathBytes,
    /// What it was.
    pub content: Option<Content>,
    /// Whether it is what was asked for, or that comes from it.
    pub is_needed: bool,
}

/// A step of the plan.
#[derive(Debug)]
pub struct Step {
    /// The job.
    pub job: Job,
    /// What surrounded it.
    pub context: JobContext,
    /// What it needs that no earlier step makes.
    pub inputs: Vec<Input>,
    /// What it made.
    pub outputs: Vec<Output>,
    /// Symbolic links that led to inputs, and what they say.
    pub links: Vec<(PathBytes, PathBytes)>,
    /// The program, where the command names one of the project that neither the commit has nor a step makes: it is used where it is.
    pub program_in_place: Option<PathBytes>,
    /// What stands in its way beside inputs that cannot be had, in words.
    pub problems: Vec<String>,
}

impl Step {
    /// Returns the outputs that lie outside of a directory: they would be overwritten.
    pub fn outputs_outside<'s>(&'s self, base: &'s PathBytes) -> impl Iterator<Item = &'s PathBytes> {
        let paths = self.outputs.iter().map(|output| &output.path);
        paths.filter(move |path| within(base, path.as_bytes()).is_none())
    }
}

/// How an artifact, or a job's outputs, are made anew.
#[derive(Debug)]
pub struct Plan {
    /// The project: what a checkout stands for.
    pub base: PathBytes,
    /// What is to be made: paths and contents; of a job all its outputs.
    pub wanted: Vec<(PathBytes, Option<Content>)>,
    /// The steps, those that set things up first.
    pub steps: Vec<Step>,
    /// Packages that the steps used.
    pub packages: BTreeSet<Package>,
}

impl Plan {
    /// Returns the plan for a target; `None` where no job made it. `root` is the project where there is no git repository.
    ///
    /// # Errors
    /// Those of the store.
    pub fn of(store: &mut Store, target: &Target, root: &PathBytes) -> Result<Option<Self>, Error> {
        let Some(lineage) = Lineage::with_builds(store, target)? else { return Ok(None) };
        let graph = &lineage.graph;
        let (last, wanted) = match lineage.start {
            Start::Job(job) => (job, graph.job(job).produces.clone()),
            Start::Version(version) => {
                let Some(job) = graph.version(version).producer else { return Ok(None) };
                let edges = graph.job(job).produces.iter().filter(|edge| edge.version == version);
                (job, edges.copied().collect())
            }
        };
        let wanted = wanted
            .iter()
            .map(|edge| {
                (graph.path(edge.path).into(), graph.content(edge.version).map(ContentRef::to_content))
            })
            .collect();
        let mut needed: BTreeSet<JobIndex> = lineage.ancestry.jobs.clone();
        needed.insert(last);
        for build in &lineage.builds {
            needed.insert(*build);
            needed.extend(graph.ancestry_of_job(*build).jobs);
        }
        let order = graph.jobs_in_order().into_iter().filter(|job| needed.contains(job));
        let (builds, others): (Vec<_>, Vec<_>) =
            order.partition(|job| lineage.jobs[job.index()].kind == JobKind::Build);
        let top_level = store.git(lineage.jobs[last.index()].key)?.map(|git| git.top_level);
        let base = top_level.unwrap_or_else(|| root.clone());
        let mut plan = Self { base, wanted, steps: Vec::new(), packages: BTreeSet::new() };
        for job in builds.into_iter().chain(others) {
            let step = plan.step(store, &lineage, job)?;
            plan.packages.extend(step.context.packages.iter().cloned());
            plan.steps.push(step);
        }
        plan.supply(store)?;
        Ok(Some(plan))
    }

    fn step(&self, store: &Store, lineage: &Lineage, index: JobIndex) -> Result<Step, Error> {
        let graph = &lineage.graph;
        let (node, job) = (graph.job(index), lineage.jobs[index.index()].clone());
        let content = |version: VersionIndex| graph.content(version).map(ContentRef::to_content);
        let is_root = |version: VersionIndex| graph.version(version).producer.is_none();
        let input = |path: &[u8], content| Input { path: path.into(), content, supply: Supply::Copy };
        // What was made elsewhere, and brought to that path by somebody who was not observed, has to be brought there again.
        let is_made_there = |edge: &&roar_dag::Edge| {
            let maker = graph.version(edge.version).producer.map(|maker| graph.job(maker));
            // Nearly always it is at the path where it was made first.
            maker.is_some_and(|maker| {
                graph.version(edge.version).path == edge.path
                    || maker
                        .produces
                        .iter()
                        .any(|made| (made.version, made.path) == (edge.version, edge.path))
            })
        };
        let taken = node.consumes.iter().filter(|edge| !is_made_there(edge));
        let mut inputs: Vec<Input> =
            taken.map(|edge| input(graph.path(edge.path), content(edge.version))).collect();
        for edge in &node.produces {
            let prior = graph.prior(edge).filter(|prior| is_root(*prior));
            let is_known = |path: &[u8]| inputs.iter().any(|input| input.path.as_bytes() == path);
            if let Some(prior) = prior.filter(|_| !is_known(graph.path(edge.path))) {
                inputs.push(input(graph.path(edge.path), content(prior)));
            }
        }
        let is_needed =
            |version| lineage.ancestry.versions.contains(&version) || lineage.version() == Some(version);
        let outputs = node
            .produces
            .iter()
            .map(|edge| Output {
                path: graph.path(edge.path).into(),
                content: content(edge.version),
                is_needed: is_needed(edge.version),
            })
            .collect();
        let links = store.lookups(job.key)?.found.into_iter().filter_map(|lookup| match lookup.found {
            Found::Link { target } => Some((lookup.path, target)),
            Found::Absent | Found::Listing(_) => None,
        });
        let (program_in_place, problems) = (None, Vec::new());
        let context = store.context(job.key)?;
        Ok(Step { context, job, inputs, outputs, links: links.collect(), program_in_place, problems })
    }

    /// Finds out where each input comes from.
    fn supply(&mut self, store: &mut Store) -> Result<(), Error> {
        let mut disk = Disk::default();
        let is_link = |input: &Input| input.content.as_ref().is_some_and(|content| content.is_link);
        let inputs = self.steps.iter().flat_map(|step| &step.inputs);
        let wanted: Vec<_> = inputs.map(|input| (input.path.clone(), is_link(input))).collect();
        disk.look(store, &wanted)?;
        let mut sources = Sources::new(store);
        let Self { base, steps, .. } = self;
        let mut made: BTreeSet<PathBytes> = BTreeSet::new();
        for step in steps {
            let Step { job, context, inputs, outputs, links: _, program_in_place, problems } = step;
            if let Some((commit, reason)) = sources.unreadable_commit(job.key)? {
                problems.push(format!("its commit {commit} cannot be read: {reason}"));
            }
            made.extend(outputs.iter().map(|output| output.path.clone()));
            if let Some(program) =
                program_of(job).filter(|program| within(base, program.as_bytes()).is_some())
                && !made.contains(&program)
                && !inputs.iter().any(|input| input.path == program)
                && sources.of(job.key, program.as_bytes())? == Source::Unknown
            {
                if !is_there(program.as_bytes()) {
                    problems.push(format!("{program}, which it runs, is gone, and not in the commit"));
                }
                *program_in_place = Some(program);
            }
            for input in inputs {
                let is_same = match &input.content {
                    Some(content) => disk.at(input.path.as_bytes(), is_link(input)).is(content.view()),
                    None => false,
                };
                let source = sources.of(job.key, input.path.as_bytes())?;
                let is_patched = matches!(context.patch, Some(Patch::Kept(_)));
                let is_within = within(base, input.path.as_bytes()).is_some();
                input.supply = match (source, is_same, is_within) {
                    (Source::Commit(_), _, true) => Supply::Commit,
                    (Source::Changed(_), _, true) if is_patched => Supply::Patch,
                    (_, true, true) => Supply::Copy,
                    (_, true, false) => Supply::InPlace,
                    (_, false, _) => Supply::None(reason(input, &disk)),
                };
            }
        }
        Ok(())
    }

    /// Returns the inputs that cannot be had, with the steps that need them.
    pub fn missing(&self) -> impl Iterator<Item = (&Step, &Input)> {
        let inputs = self.steps.iter().flat_map(|step| step.inputs.iter().map(move |input| (step, input)));
        inputs.filter(|(_, input)| matches!(input.supply, Supply::None(_)))
    }

    /// Returns the git state of the first step that has one.
    pub fn git(&self) -> Option<&GitState> {
        self.steps.iter().find_map(|step| step.context.git.as_ref())
    }

    /// Returns the Python packages, as pip is asked for them.
    pub fn requirements(&self) -> Vec<String> {
        let python = self.packages.iter().filter(|package| package.kind == PackageKind::Python);
        python.map(|package| format!("{}=={}", package.name, package.version)).collect()
    }
}

/// Returns the path of the program that a command names, unless it was looked for in `PATH`.
fn program_of(job: &Job) -> Option<PathBytes> {
    let program = job.command.first().filter(|word| word.as_bytes().contains(&b'/'))?;
    let path = job.cwd.as_path().join(program.as_path());
    let parts = path.components().filter(|part| *part != Component::CurDir);
    Some(PathBytes::from(parts.collect::<PathBuf>().as_path()))
}

fn reason(input: &Input, disk: &Disk) -> String {
    use crate::disk::OnDisk;
    let is_link = input.content.as_ref().is_some_and(|content| content.is_link);
    match disk.at(input.path.as_bytes(), is_link) {
        _ if input.content.is_none() => "it was not hashed".to_owned(),
        OnDisk::Missing => "it is gone".to_owned(),
        OnDisk::There(_) => "it has changed since".to_owned(),
        OnDisk::Unknown(reason) => reason.clone(),
    }
}
