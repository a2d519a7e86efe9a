//! Programs: which are executed, what loads them, and which have not said hello.

use tracer_preload_journal::Kind;
use tracer_preload_journal::entry::{Flags as EntryFlags, Mode};
use tracer_preload_journal::log::{Place, Told};
use tracer_schema::{EventFlags, EventKind, GapKind, TraceEvent};

use super::{Collector, Exec, PATCHED, Process, stamp};
use crate::images::{ADVICE, Loader, Located, obstacle};
use crate::raw::is_c_library;
use crate::who::Who;

impl Collector {
    pub(super) fn exec(&mut self, told: &Told<'static>) {
        let pid = self.pid(told.pid);
        self.unsaid(pid, None);
        let exec = Exec {
            position: told.position,
            tid: told.tid,
            path: told.path.to_vec(),
            given: told.text2.to_vec(),
            stamp: stamp(&told.stamp),
            arguments: Vec::new(),
            root: self.root_of(told),
        };
        self.process(pid).exec = Some(exec);
    }

    pub(super) fn hello(&mut self, told: &Told<'static>) {
        let pid = self.pid(told.pid);
        let parent = self.parent_of(told);
        let has_origin = self.processes.get(&pid).is_some_and(|process| process.has_origin);
        if self.has_ended(pid) || (!has_origin && parent != 0) {
            let heard = self.processes.remove(&pid).filter(|process| !process.has_ended);
            let tid = heard.as_ref().and_then(|process| process.exec.as_ref()).map_or(0, |exec| exec.tid);
            let by = Who { pid: parent, tid: if tid == 0 { parent } else { tid } };
            self.made(by, pid, self.clock.ns(told.time));
            if let Some(Process { counters, exec, .. }) = heard {
                let process = self.process(pid);
                (process.counters, process.exec) = (counters, exec);
            }
        }
        let here = stamp(&told.stamp);
        let is_expected = |exec: &mut Exec| {
            // A loader that was executed itself says the name of the program that it was given (glibc, elf/rtld.c).
            let is_same = here.ino != 0 && exec.stamp.is_same_file(&here);
            // Of a command whose collector was killed it is not known which file was executed.
            exec.given == told.text2 || is_same || (exec.position == 0 && exec.given.is_empty())
        };
        let expected = self.process(pid).exec.take_if(is_expected);
        let executed = expected.as_ref().map(|exec| Located { path: exec.path.clone(), stamp: exec.stamp });
        let known = expected.as_ref().map(|exec| exec.given.clone()).filter(|given| !given.is_empty());
        let given = known.unwrap_or_else(|| told.text2.to_vec());
        if expected.is_none() {
            self.unsaid(pid, None);
        }
        self.settle(pid);
        self.modes.insert(if told.value2 == Mode::Hooked as u64 { "hooked" } else { PATCHED });
        let program = match expected {
            // In a sandbox a process cannot ask which program it is.
            Some(exec) if told.path.is_empty() && !told.flags.has(EntryFlags::NAMELESS) => {
                let executed = Located { path: exec.path, stamp: exec.stamp };
                let directory = self.process(pid).directory.clone();
                self.images.interpreter(&exec.root, &directory, executed)
            }
            _ => Located { path: told.path.to_vec(), stamp: here },
        };
        let arguments = self.following(told, Kind::Arguments).map_or(&b""[..], |told| told.path);
        let mut event = self.event(EventKind::Exec, told);
        event.text = self.recorder.text(&program.path);
        event.text2 = self.recorder.text(arguments);
        self.recorder.tell(&event);
        let directory = self.following(told, Kind::Directory).map_or(&b""[..], |told| told.path).to_vec();
        let root = self.root_of(told);
        let process = self.process(pid);
        (process.directory, process.root) = (directory, root);
        process.program = program.path.clone();
        self.executed(told, &program, &given, executed);
    }

    /// Returns the root directory of a process that says hello, or executes a program.
    fn root_of(&self, told: &Told<'static>) -> Vec<u8> {
        if told.path_at == 0 {
            return Vec::new();
        }
        match self.log.look(told.path_at) {
            Place::Entry(named) if named.path != b"/" => named.path.to_vec(),
            Place::Entry(_) | Place::Empty | Place::Reserved(_) => Vec::new(),
        }
    }

    /// Returns the entry of that kind that belongs to a hello.
    fn following(&self, hello: &Told<'static>, kind: Kind) -> Option<Told<'static>> {
        /// A hello is told in one go; entries of others may stand between.
        const WITHIN: usize = 64;
        let mut position = hello.next;
        for _ in 0..WITHIN {
            match self.log.look(position) {
                Place::Entry(told) if told.pid == hello.pid && told.kind == Some(kind) => return Some(told),
                Place::Entry(told) => position = told.next,
                Place::Reserved(next) => position = next,
                Place::Empty => break,
            }
        }
        None
    }

    fn executed(&mut self, told: &Told<'static>, program: &Located, given: &[u8], executed: Option<Located>) {
        self.programs.insert(program.path.clone());
        let pid = self.pid(told.pid);
        let Process { directory, root, .. } = self.process(pid);
        let (directory, root) = (directory.clone(), root.clone());
        let mut all = vec![program.clone()];
        all.extend(self.images.scripts(&root, &directory, given, executed, &program.stamp));
        let running = format!("/proc/{pid}/exe").into_bytes();
        let mut image = program.clone();
        if image.path.is_empty() {
            image.path.clone_from(&running);
        }
        let loader = match self.images.loader(&root, &directory, &image, &running) {
            Loader::Named(loader) => Some(loader),
            // What is loaded by nobody, and has loaded the library, is a loader itself.
            Loader::Nobody if !program.path.is_empty() => {
                self.raw.exempt(program);
                self.given_to_loader(told, program);
                None
            }
            Loader::Nobody => None,
            // It has said its name.
            Loader::Unknown => {
                let name = self.following(told, Kind::Images).map_or(&b""[..], |told| told.text2);
                self.images.locate(&root, &directory, name).filter(|_| !name.is_empty())
            }
        };
        if let Some(loader) = &loader {
            self.raw.exempt(loader);
        }
        self.loaded(pid, &image);
        all.extend(loader.clone());
        for located in all {
            self.tell_located(EventKind::Execute, told, &located);
        }
        // One that nobody has loaded is the loader itself.
        let is_glibc = is_glibc_loader(&loader.as_ref().unwrap_or(program).path);
        for name in [&b"/etc/ld.so.cache"[..], b"/etc/ld.so.preload"].iter().filter(|_| is_glibc) {
            if let Some(located) = self.images.locate(&root, b"", name) {
                self.tell_located(EventKind::MapRead, told, &located);
            }
        }
    }

    /// A loader was executed itself: it has loaded the program that it says was executed (glibc, elf/rtld.c).
    fn given_to_loader(&mut self, told: &Told<'static>, loader: &Located) {
        let pid = self.pid(told.pid);
        let Process { directory, root, .. } = self.process(pid);
        let (directory, root) = (directory.clone(), root.clone());
        // Without a slash it was searched for among libraries.
        let name = Some(told.text2).filter(|name| name.contains(&b'/'));
        let located = name.and_then(|name| self.images.locate(&root, &directory, name));
        if let Some(located) = located.filter(|located| !located.is_file(&loader.stamp)) {
            self.loaded(pid, &located);
            self.tell_located(EventKind::MapRead, told, &located);
        }
    }

    pub(super) fn images_of(&mut self, told: &Told<'static>) {
        let pid = self.pid(told.pid);
        let Process { directory, root, .. } = self.process(pid);
        let (directory, root) = (directory.clone(), root.clone());
        for name in told.path.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            if let Some(located) = self.images.locate(&root, &directory, name) {
                self.loaded(pid, &located);
                self.tell_located(EventKind::MapRead, told, &located);
            }
        }
    }

    /// A process goes on or ends, with that status, that has executed a program and never said hello from it.
    pub(super) fn unsaid(&mut self, pid: u32, status: Option<u32>) {
        let Some(exec) = self.process(pid).exec.take() else { return };
        if exec.position != 0
            && let Place::Entry(now) = self.log.look(exec.position)
            && now.state == tracer_preload_journal::State::Void
        {
            return;
        }
        // The name that was executed may be a link.
        let followed =
            self.images.locate(b"", b"", &exec.path).filter(|located| located.is_file(&exec.stamp));
        let executed = followed.unwrap_or(Located { path: exec.path.clone(), stamp: exec.stamp });
        let directory = self.process(pid).directory.clone();
        let program = self.images.interpreter(&exec.root, &directory, executed.clone());
        let now_ns = self.recorder.now_ns();
        let mut event = TraceEvent::new(EventKind::Exec, now_ns, pid, pid);
        event.text = self.recorder.text(&program.path);
        event.text2 = self.recorder.text(&exec.arguments);
        self.recorder.tell(&event);
        let mut all = vec![program.clone()];
        all.extend(self.images.scripts(&exec.root, &directory, &exec.given, Some(executed), &program.stamp));
        if let Loader::Named(loader) = self.images.loader(&exec.root, &directory, &program, b"") {
            all.push(loader);
        }
        for located in all.into_iter().filter(|located| located.stamp.is_regular()) {
            let mut event = TraceEvent::new(EventKind::Execute, now_ns, pid, pid);
            event.text = self.recorder.text(&located.path);
            if located.path.is_empty() {
                event.flags = event.flags.with(EventFlags::NAMELESS);
            }
            event.stamp = located.stamp;
            self.recorder.tell(&event);
        }
        let (kind, words) = match obstacle(&program.path) {
            Some(known) => known,
            // Nothing was in the library's way: the process was killed before the loader had come to it.
            None if status.is_some_and(|status| status & 0x7f == libc::SIGKILL as u32) => return,
            None if !exec.root.is_empty() => (
                GapKind::UntracedProcess,
                "the library did not report from this program, whose root directory is another and may not have it",
            ),
            None => (GapKind::UntracedProcess, "the library did not report from this program"),
        };
        let named = if program.path.is_empty() { &exec.given } else { &program.path };
        self.recorder.tell_gap(kind, pid, Some(named), &format!("{words}: {ADVICE}"));
    }

    /// A process has loaded a program or library, to run it.
    pub(super) fn loaded(&mut self, pid: u32, image: &Located) {
        if let Some(words) = self.raw.take(image) {
            self.recorder.tell_gap(GapKind::RawCalls, pid, Some(&image.path), &words);
        }
    }

    /// A program that runs has loaded a C library, which is not the one that it began with (dlmopen(3)).
    pub(super) fn loaded_anew(&mut self, pid: u32, path: &[u8]) {
        if is_c_library(path) && !std::mem::replace(&mut self.process(pid).has_other_library, true) {
            let words = "it has loaded a second C library (dlmopen): what was done by way of that was not seen: use `--tracer ptrace`";
            self.recorder.tell_gap(GapKind::RawCalls, pid, Some(path), words);
        }
    }
}

/// Is it the loader of glibc, by its name there or by the general one? That of musl has another.
fn is_glibc_loader(path: &[u8]) -> bool {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    [&b"ld-linux"[..], b"ld.so"].iter().any(|start| name.starts_with(start))
}
