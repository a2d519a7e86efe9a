//! What was found out about backends, for JSON and for a person.

use std::fmt::Write;

use roar_config::{Config, Origin, TracerMode};
use roar_run::{Backend, Preflight, Verdict};
use serde::Serialize;
use tracer_host::preflight::{Answer, Bearing, Fact};

use crate::quote;
use crate::ui::{Role, Table};

#[derive(Serialize)]
struct FactView {
    name: String,
    /// `met`, `unmet`, or `suspect`: not as it should be, which explains a failure, if there is one.
    state: &'static str,
    found: String,
    needed: String,
    remedy: String,
    #[serde(skip)]
    bearing: Bearing,
}

impl From<Fact> for FactView {
    fn from(fact: Fact) -> Self {
        let Fact { name, bearing, found, needed, remedy } = fact;
        Self { name, state: bearing.name(), found, needed, remedy, bearing }
    }
}

/// A backend and its preflight.
#[derive(Serialize)]
pub(super) struct BackendView {
    backend: &'static str,
    usable: bool,
    /// Why not.
    reason: Option<String>,
    remedy: Option<String>,
    took_ms: u64,
    facts: Vec<FactView>,
}

impl BackendView {
    pub(super) fn new(backend: Backend, answer: Answer, preflight: &Preflight<'_>) -> Self {
        let (reason, remedy) = match preflight.judge(backend, &answer) {
            Verdict::Usable => (None, None),
            Verdict::Unusable(reason) => {
                (Some(reason.found), Some(reason.remedy).filter(|words| !words.is_empty()))
            }
        };
        Self {
            backend: backend.name(),
            usable: reason.is_none(),
            reason,
            remedy,
            took_ms: u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
            facts: answer.facts.into_iter().map(FactView::from).collect(),
        }
    }

    fn put_reason(&self, page: &mut String) {
        let mut line = |role: Role, name: &str, words: &str| {
            writeln!(page, "{} {words}", role.paint(name)).expect("a string takes what is written to it");
        };
        if let Some(reason) = &self.reason {
            line(Role::Error, "cannot be used:", reason);
        }
        if let Some(remedy) = &self.remedy {
            line(Role::Hint, "hint:", remedy);
        }
    }
}

/// What `roar tracer` shows.
#[derive(Serialize)]
pub(super) struct TracerView {
    format: &'static str,
    mode: &'static str,
    origin: Origin,
    fallback_enabled: bool,
    /// The backend of the next run; `None`: it would be refused.
    active: Option<&'static str>,
    backends: Vec<BackendView>,
}

impl TracerView {
    pub(super) fn new(config: &Config, backends: Vec<BackendView>) -> Self {
        let settings = &config.settings;
        let origin = config.get("tracer.mode").map_or(Origin::Default, |entry| entry.origin.clone());
        let candidates = Backend::candidates(settings.tracer_mode, settings.tracer_fallback_enabled);
        let is_usable =
            |backend: &&Backend| backends.iter().any(|view| view.backend == backend.name() && view.usable);
        Self {
            format: "roar.tracer/1",
            mode: settings.tracer_mode.name(),
            origin,
            fallback_enabled: settings.tracer_fallback_enabled,
            active: candidates.iter().find(is_usable).map(|backend| backend.name()),
            backends,
        }
    }

    pub(super) fn is_traceable(&self) -> bool {
        self.active.is_some()
    }

    pub(super) fn page(&self) -> String {
        let mut page = String::new();
        let mut line = |name: &str, text: &str| {
            writeln!(page, "{}  {text}", Role::Heading.paint(format_args!("{name:<6}")))
                .expect("a string takes what is written to it");
        };
        line("active", self.active.unwrap_or("none: nothing can be traced here"));
        line("mode", &format!("{} ({})", self.mode, origin_words(&self.origin)));
        page.push('\n');
        let mut table = Table::with_heading(&["backend", "preflight", ">took", "why"]);
        for backend in &self.backends {
            table.row().cell(backend.backend);
            match (&backend.reason, Some(backend.backend) == self.active) {
                (None, true) => table.cell("passed"),
                (None, false) => table.role_cell(Role::Faint, "passed"),
                (Some(_), _) => table.role_cell(Role::Warning, "failed"),
            };
            table.cell(format!("{} ms", backend.took_ms)).cell(backend.reason.clone().unwrap_or_default());
        }
        // Whole: why is what a person came for.
        table.write(&mut page, "", None);
        let mut has_gap = false;
        for backend in &self.backends {
            if let Some(remedy) = &backend.remedy {
                page.push_str(if has_gap { "" } else { "\n" });
                has_gap = true;
                let name = backend.backend;
                writeln!(page, "{} {name}: {remedy}", Role::Hint.paint("hint:"))
                    .expect("a string takes what is written to it");
            }
        }
        page
    }
}

fn origin_words(origin: &Origin) -> String {
    match origin {
        Origin::Default => "default".to_owned(),
        Origin::User { path, line } | Origin::Repository { path, line } => {
            format!("{}:{line}", quote::word(path.as_os_str().as_encoded_bytes()))
        }
        Origin::Variable { name } => name.clone(),
        Origin::Flag { flag } => flag.clone(),
    }
}

/// What `roar tracer check` shows.
#[derive(Serialize)]
pub(super) struct CheckView {
    format: &'static str,
    mode: &'static str,
    usable: bool,
    backends: Vec<BackendView>,
}

impl CheckView {
    pub(super) fn new(mode: TracerMode, backends: Vec<BackendView>) -> Self {
        let usable = backends.iter().any(|backend| backend.usable);
        Self { format: "roar.tracer-check/1", mode: mode.name(), usable, backends }
    }

    pub(super) fn is_usable(&self) -> bool {
        self.usable
    }

    pub(super) fn page(&self) -> String {
        let mut page = String::new();
        for (at, backend) in self.backends.iter().enumerate() {
            page.push_str(if at == 0 { "" } else { "\n" });
            let mut table = Table::with_heading(&[backend.backend, "", "found", "needed"]);
            for fact in &backend.facts {
                table.row().cell(&fact.name);
                match (fact.bearing, backend.usable) {
                    (Bearing::Met, _) => table.cell("ok"),
                    // It all works without.
                    (Bearing::Suspect, true) => table.role_cell(Role::Faint, "note"),
                    (Bearing::Suspect | Bearing::Unmet, _) => table.role_cell(Role::Error, "no"),
                };
                table.cell(&fact.found).cell(&fact.needed);
            }
            // Whole: what a person came for is at the ends of these lines.
            table.write(&mut page, "", None);
            if backend.usable {
                writeln!(page, "{} can be used", backend.backend)
                    .expect("a string takes what is written to it");
            }
            backend.put_reason(&mut page);
        }
        page
    }
}
