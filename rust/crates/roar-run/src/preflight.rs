//! Whether a backend can be used here: asked of its program, and remembered.

use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use roar_config::Settings;
use tracer_host::preflight::{Answer, CheckArguments, End, Nature, Target, ask};
use uuid::Uuid;

use crate::options::Surroundings;
use crate::repo::Repo;
use crate::tracer::{Backend, clear_up};
use crate::verdicts::Verdicts;

/// What is known of a backend before it is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It can be used.
    Usable,
    /// It cannot.
    Unusable(Reason),
}

/// Why a backend cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What is the matter.
    pub found: String,
    /// What to do about it; empty where nothing can be done.
    pub remedy: String,
}

impl Reason {
    /// Returns both in a line.
    pub fn words(&self) -> String {
        let Self { found, remedy } = self;
        if remedy.is_empty() { found.clone() } else { format!("{found}; {remedy}") }
    }
}

/// Asks backends, and knows what they answered before.
#[derive(Debug)]
pub struct Preflight<'a> {
    programs: &'a Path,
    temp: &'a Path,
    timeout: Duration,
    /// Where verdicts are kept, the first that can be used; found out when one is needed.
    folders: Vec<PathBuf>,
    verdicts: Option<Verdicts>,
}

impl<'a> Preflight<'a> {
    /// Returns one for these settings. `repo`: where verdicts are kept if the user has no place for them.
    pub fn new(settings: &Settings, around: &'a Surroundings, repo: Option<&Repo>) -> Self {
        let user_folder = around.caches.as_ref().map(|caches| caches.join("roar"));
        Self {
            programs: &around.programs,
            temp: &around.temp,
            timeout: Duration::from_millis(settings.tracer_preflight_timeout_ms),
            folders: user_folder.into_iter().chain(repo.map(Repo::dir)).collect(),
            verdicts: None,
        }
    }

    fn verdicts(&mut self) -> &mut Verdicts {
        let Self { folders, verdicts, .. } = self;
        verdicts.get_or_insert_with(|| Verdicts::load(std::mem::take(folders)))
    }

    /// Asks a backend, of a command as well if there is one, and remembers the answer of itself.
    pub fn ask(&mut self, backend: Backend, command: &[OsString]) -> Answer {
        let answer = self.ask_only(backend, command);
        self.remember(backend, command, &answer);
        answer
    }

    /// Asks several backends at once.
    pub fn ask_all(&mut self, backends: &[Backend], command: &[OsString]) -> Vec<Answer> {
        let asking = &*self;
        let ask = |backend: &Backend| asking.ask_only(*backend, command);
        let answers: Vec<Answer> = std::thread::scope(|scope| {
            let start = |backend| std::thread::Builder::new().spawn_scoped(scope, move || ask(backend));
            let asked: Vec<_> = backends.iter().map(|backend| (backend, start(backend))).collect();
            let answer = |(backend, thread): (_, io::Result<ScopedJoinHandle<'_, Answer>>)| match thread {
                Ok(thread) => thread.join().unwrap_or_else(|_| silent()),
                // Without a thread to be had the one comes after the other.
                Err(_) => ask(backend),
            };
            asked.into_iter().map(answer).collect()
        });
        for (backend, answer) in backends.iter().zip(&answers) {
            self.remember(*backend, command, answer);
        }
        answers
    }

    fn ask_only(&self, backend: Backend, command: &[OsString]) -> Answer {
        let program = backend.program(self.programs);
        // Without it the tracer makes one for itself; should it have to be killed, that stays.
        let run_dir = self.temp.join(format!("roar-check-{}", Uuid::now_v7().simple()));
        let run_dir = DirBuilder::new().mode(0o700).create(&run_dir).is_ok().then_some(run_dir);
        let arguments = CheckArguments { run_dir: run_dir.clone(), command: command.to_vec() };
        let answer = ask(&program, &arguments, self.timeout);
        if let Some(run_dir) = run_dir {
            clear_up(&run_dir, self.programs);
            // It is private and small; the next cleaning of the temporary directory gets it.
            let _left = std::fs::remove_dir_all(run_dir);
        }
        answer
    }

    fn remember(&mut self, backend: Backend, command: &[OsString], answer: &Answer) {
        // Of a command nothing is remembered, and an answer that came too late may come in time the next time.
        if command.is_empty() && !matches!(answer.end, End::TimedOut(_)) {
            let verdict = self.judge(backend, answer);
            let programs = self.programs;
            self.verdicts().put(backend, programs, verdict);
        }
    }

    /// Returns what was answered under these very circumstances.
    pub fn remembered(&mut self, backend: Backend) -> Option<Verdict> {
        let programs = self.programs;
        self.verdicts().get(backend, programs)
    }

    /// Asks.
    pub fn verdict(&mut self, backend: Backend) -> Verdict {
        let answer = self.ask(backend, &[]);
        self.judge(backend, &answer)
    }

    /// Returns what an answer comes to.
    pub fn judge(&self, backend: Backend, answer: &Answer) -> Verdict {
        verdict_of(answer, &backend.program(self.programs), self.timeout)
    }

    /// Forgets what a backend has answered: it did not keep to it.
    pub fn forget(&mut self, backend: Backend) {
        self.verdicts().forget(backend);
    }
}

fn silent() -> Answer {
    Answer { facts: Vec::new(), end: End::Broken("it could not be asked".to_owned()), took: Duration::ZERO }
}

/// Returns what the answer of a tracer program comes to.
pub fn verdict_of(answer: &Answer, program: &Path, timeout: Duration) -> Verdict {
    if answer.is_usable() {
        return Verdict::Usable;
    }
    let name = program.file_name().unwrap_or_default().to_string_lossy();
    let reason = |found: String, remedy: &str| Verdict::Unusable(Reason { found, remedy: remedy.to_owned() });
    match (&answer.end, answer.obstacle()) {
        (End::Whole, None) => reason("it does not say why".to_owned(), ""),
        (End::Whole, Some(fact)) => reason(format!("{}: {}", fact.name, fact.found), &fact.remedy),
        (End::NotInstalled, _) => {
            let folder = program.parent().unwrap_or(program).display();
            reason(format!("not installed: there is no {name} in {folder}"), "install it beside `roar`")
        }
        (End::TimedOut(trying), _) => {
            let trying = trying.as_ref().map_or_else(String::new, |what| format!(", while it tried {what}"));
            reason(
                format!("it did not answer within {} ms{trying}", timeout.as_millis()),
                "if the machine is just busy, raise `tracer.preflight_timeout_ms`",
            )
        }
        (End::Broken(how), _) => reason(
            format!("{name} does not work: {how}"),
            "install roar anew: its tracers are of the same build as roar",
        ),
    }
}

/// Returns why `auto` had better not take preload for this command: its program is one that no library enters.
pub(crate) fn unseen_by_preload(command: &[OsString]) -> Option<Reason> {
    let target = Target::find(command.first()?).ok()?;
    let is_out_of_reach = matches!(target.nature, Nature::Static | Nature::Foreign);
    // Under ptrace a privileged program would lose its privilege.
    (is_out_of_reach && !target.is_privileged).then(|| Reason {
        found: format!("it does not see this command: {}", target.words()),
        remedy: String::new(),
    })
}
