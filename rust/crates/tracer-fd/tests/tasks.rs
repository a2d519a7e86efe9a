//! Whose act it is: what a runner says of its threads, and what follows for files.

use tracer_fd::{Aggregator, RunSummary, World};
use tracer_schema::{EventFlags, EventKind, FileStamp, TextId, TraceEvent};

const DIRECTORY: &str = "/r/tasks";
const BEGINS: u64 = 1;
const WORKS_FOR: u64 = 2;
const ENDS: u64 = 3;
const IDLE: u64 = 0;
const NOTHING: u64 = 2;

/// Process and thread of the worker; the main thread has the number of the process.
const WORKER: u32 = 100;

/// A world in which every file is as it was told.
struct Still;

impl World for Still {
    fn look(&mut self, path: &[u8]) -> Option<FileStamp> {
        Some(stamp(path))
    }

    fn list(&mut self, _: &[u8], _: &mut dyn FnMut(&[u8], FileStamp)) -> Result<(), String> {
        Ok(())
    }
}

fn stamp(path: &[u8]) -> FileStamp {
    let ino = path.iter().fold(7, |sum: u64, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    FileStamp { dev: 1, ino, mode: 0o100_644, nlink: 1, size: 5, ..FileStamp::default() }
}

#[derive(Default)]
struct Told {
    aggregator: Aggregator,
    texts: u32,
    time_ns: u64,
}

impl Told {
    fn new() -> Self {
        let mut told = Self::default();
        told.aggregator.watch_tasks(DIRECTORY.as_bytes());
        told
    }

    fn event(&mut self, kind: EventKind, (pid, tid): (u32, u32)) -> TraceEvent {
        self.time_ns += 10;
        TraceEvent::new(kind, self.time_ns, pid, tid)
    }

    fn act(&mut self, kind: EventKind, who: (u32, u32), path: &str, value: u64) {
        self.texts += 1;
        let id = TextId(self.texts);
        self.aggregator.define(id, path.as_bytes());
        let mut event = self.event(kind, who);
        (event.text, event.value, event.stamp) = (id, value, stamp(path.as_bytes()));
        self.aggregator.apply(&event);
    }

    fn say(&mut self, tid: u32, number: u64, verb: u64) -> &mut Self {
        self.act(EventKind::Truncate, (WORKER, tid), "/r/tasks/w.task", number << 2 | verb);
        self
    }

    fn read(&mut self, tid: u32, path: &str) -> &mut Self {
        self.act(EventKind::Read, (WORKER, tid), path, 1);
        self
    }

    fn write(&mut self, tid: u32, path: &str) -> &mut Self {
        self.act(EventKind::Write, (WORKER, tid), path, 1);
        self
    }

    fn fork(&mut self, who: (u32, u32), made: u32, flags: EventFlags) -> &mut Self {
        let mut event = self.event(EventKind::Fork, who);
        (event.value, event.flags) = (u64::from(made), flags);
        self.aggregator.apply(&event);
        self
    }

    /// Returns "task: paths" for each task, `~` before what may have been another's, `<` read, `>` written.
    fn finish(&mut self) -> Vec<String> {
        let summary = std::mem::take(self).aggregator.finish(&mut Still);
        summary.tasks.iter().map(|task| format!("{}:{}", task.number, words(&summary, task))).collect()
    }
}

fn words(summary: &RunSummary, task: &tracer_schema::TaskRecord) -> String {
    let word = |used: &tracer_schema::TaskFile| {
        let shared = if used.is_shared { "~" } else { "" };
        let ways = [(used.read, "<"), (used.written, ">")];
        let ways: String = ways.iter().filter_map(|(span, sign)| span.map(|_| *sign)).collect();
        format!(" {shared}{ways}{}", summary.files[used.file as usize].path)
    };
    task.files.iter().map(word).collect()
}

#[test]
fn an_act_is_of_the_task_that_its_thread_works_for() {
    let mut told = Told::new();
    told.read(100, "/before").say(100, 1, BEGINS).read(100, "/in").write(100, "/a").say(100, 1, ENDS);
    told.read(100, "/between").say(100, 2, BEGINS).read(100, "/in").read(100, "/a").say(100, 2, ENDS);
    assert_eq!(told.finish(), ["1: >/a </in", "2: </a </in"]);
}

#[test]
fn tasks_side_by_side_are_told_apart_by_thread() {
    let mut told = Told::new();
    told.say(101, 1, BEGINS).say(102, 2, BEGINS).write(101, "/a").write(102, "/b").write(101, "/c");
    assert_eq!(told.finish(), ["1: >/a >/c", "2: >/b"]);
}

#[test]
fn a_thread_of_which_nothing_is_said_may_be_of_any_task_that_goes_on() {
    let mut told = Told::new();
    told.say(101, 1, BEGINS).write(109, "/one").say(102, 2, BEGINS).write(109, "/two");
    told.say(101, 1, ENDS).say(102, 2, ENDS).write(109, "/none");
    assert_eq!(told.finish(), ["1: >/one ~>/two", "2: ~>/two"]);
}

#[test]
fn a_thread_works_for_the_task_of_its_maker() {
    let mut told = Told::new();
    told.say(101, 1, BEGINS).say(102, 2, BEGINS).fork((WORKER, 101), 110, EventFlags::THREAD);
    told.write(110, "/made");
    assert_eq!(told.finish(), ["1: >/made", "2:"]);
}

#[test]
fn an_event_loop_works_for_one_task_after_the_other() {
    let mut told = Told::new();
    told.say(101, 1, BEGINS).say(101, 0, IDLE).say(101, 2, BEGINS).write(101, "/two").say(101, 0, IDLE);
    told.write(101, "/loop").say(101, 1, WORKS_FOR).write(101, "/one").say(101, 1, ENDS);
    told.say(101, 0, NOTHING).write(101, "/later");
    assert_eq!(told.finish(), ["1: >/one", "2: >/later >/two"]);
}

#[test]
fn a_process_works_for_the_task_that_made_it() {
    let mut told = Told::new();
    told.say(101, 1, BEGINS).say(102, 2, BEGINS).fork((WORKER, 102), 200, EventFlags::default());
    told.fork((200, 200), 201, EventFlags::default()).say(102, 2, ENDS);
    told.act(EventKind::Write, (201, 201), "/grandchild", 1);
    assert_eq!(told.finish(), ["1:", "2: >/grandchild"]);
}

#[test]
fn what_tells_of_tasks_is_no_file_of_the_run() {
    let mut told = Told::new();
    told.act(EventKind::Create, (WORKER, 100), "/r/tasks/w.task", 0);
    told.write(100, "/r/tasks/w.jsonl").say(100, 1, BEGINS).say(100, 1, ENDS);
    let summary = std::mem::take(&mut told.aggregator).finish(&mut Still);
    assert_eq!(summary.files, []);
    let [task] = &summary.tasks[..] else { panic!("one task: {:?}", summary.tasks) };
    assert_eq!((task.teller.as_bytes(), task.pid, task.ended_ns), (&b"w"[..], WORKER, Some(40)));
}
