//! More events at once than a tracer can take: none is lost, or it is said how many.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Result;
use crate::backend;
use crate::fault::children_of;
use crate::process::{self, Ending, TIME_LIMIT};
use crate::report::{FileRecord, Report, Role};
use crate::run::{Bench, path_variable};
use crate::world::{World, create, make_fifo};

/// Files of the burst, and the events that each is worth at least: all in all 300,000.
const FILES: usize = 30_000;
const EVENTS_PER_FILE: u64 = 10;

/// Where they are: to make so many on a disk takes longer than all else.
const MEMORY: &str = "/dev/shm";

/// Reads while nobody empties the ring: one event each at least.
const READS: u64 = 200_000;

/// The ring of the eBPF tracer, and the least that an event takes in it, bytes (tracer-ebpf-abi, `Head`).
const RING_BYTES: u64 = 16 << 20;
const EVENT_BYTES_MIN: u64 = 128;

/// More events than this are in no open, read and close.
const EVENTS_PER_READ_MAX: u64 = 4;

/// The status that the program ends with.
const OWN_STATUS: i32 = 7;

/// What a process is looked at for is looked for this often.
const LOOK: Duration = Duration::from_millis(2);

/// A program that makes very many files at once: each is in the record, or that some are not is.
pub fn burst(bench: &Bench, backend: &'static str) -> Result<()> {
    let world = World::new()?;
    let place = tempfile::tempdir_in(MEMORY).map_err(|error| format!("{MEMORY}: {error}"))?;
    let directory = place.path().to_string_lossy();
    let report = run(bench, backend, &world, &["burst", &FILES.to_string(), &directory], |_| Ok(()))?;
    let lost = report.coverage.events_lost;
    let is_there = |file: &&FileRecord| {
        file.role == Role::Output && file.read && file.path.0.starts_with(directory.as_bytes())
    };
    let outputs = report.files.iter().filter(is_there).count();
    let missing = FILES.saturating_sub(outputs) as u64;
    if missing > lost || (missing > 0 && report.coverage.complete) {
        return Err(format!("{missing} of {FILES} files are missing, and {lost} events are said to be lost"));
    }
    let told = report.tracer.events + lost;
    if told < FILES as u64 * EVENTS_PER_FILE {
        return Err(format!("{EVENTS_PER_FILE} events for each of {FILES} files are more than {told}"));
    }
    Ok(())
}

/// A tracer that is stopped while more is told than there is room for: what was lost is counted, and the command does not notice.
pub fn overrun(bench: &Bench, backend: &'static str) -> Result<()> {
    let world = World::new()?;
    for name in ["ready", "go"] {
        make_fifo(&world.base().join(name)).map_err(|error| error.to_string())?;
    }
    let stopped = |roar: Pid| stop_meanwhile(roar, &world);
    let report = run(bench, backend, &world, &["stopped", &READS.to_string()], stopped)?;
    let lost = report.coverage.events_lost;
    let room = RING_BYTES / EVENT_BYTES_MIN;
    if lost < READS - room || lost > READS * EVENTS_PER_READ_MAX {
        return Err(format!("{lost} events lost of {READS} reads and room for {room}"));
    }
    let told = report.tracer.events;
    if told + lost < READS {
        return Err(format!("{told} told and {lost} lost are fewer than {READS}"));
    }
    let gaps = &report.coverage.gaps;
    if report.coverage.complete || gaps.iter().any(|gap| gap.kind != "events_lost") || gaps.is_empty() {
        return Err(format!("the gaps are {gaps:?}"));
    }
    if !gaps.iter().any(|gap| gap.detail.starts_with(&lost.to_string())) {
        return Err(format!("no gap says that {lost} are lost: {gaps:?}"));
    }
    Ok(())
}

/// Stops the tracer once the program is ready, until it has done what it is there for.
fn stop_meanwhile(roar: Pid, world: &World) -> Result<()> {
    let open = |name: &str| {
        // For both, so that neither side waits for the other to open it.
        let path = world.base().join(name);
        OpenOptions::new().read(true).write(true).open(&path).map_err(|error| format!("{name}: {error}"))
    };
    let (mut ready, mut go) = (open("ready")?, open("go")?);
    let deadline = Instant::now() + TIME_LIMIT;
    let mut wait = || {
        process::wait_readable(&ready, deadline).map_err(|words| format!("not ready: {words}"))?;
        ready.read_exact(&mut [0]).map_err(|error| error.to_string())
    };
    wait()?;
    let tracers = children_of(roar.as_raw_nonzero().get() as u32);
    let [tracer] = tracers[..] else { return Err(format!("the children of roar are {tracers:?}")) };
    let pid = Pid::from_raw(tracer as i32).ok_or("no process has the number 0")?;
    let send = |signal| kill_process(pid, signal).map_err(|error| format!("kill: {error}"));
    send(Signal::STOP)?;
    let flooded = wait_until_stopped(tracer, deadline)
        .and_then(|()| go.write_all(b"x").map_err(|error| error.to_string()))
        .and_then(|()| wait());
    send(Signal::CONT)?;
    flooded
}

/// Waits until all threads of a process are stopped.
fn wait_until_stopped(pid: u32, deadline: Instant) -> Result<()> {
    let is_stopped = |stat: String| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'));
    loop {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).map_err(|error| error.to_string())?;
        let mut stats = threads.flatten().map(|thread| fs::read_to_string(thread.path().join("stat")));
        if stats.all(|stat| stat.is_ok_and(is_stopped)) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err("the tracer does not stop".to_owned());
        }
        thread::park_timeout(LOOK);
    }
}

fn run(
    bench: &Bench,
    backend: &'static str,
    world: &World,
    arguments: &[&str],
    started: impl FnOnce(Pid) -> Result<()>,
) -> Result<Report> {
    let path = world.base().join("report.json");
    let mut command = Command::new(backend::roar_binary(&bench.target_dir)?);
    command.args([
        "run",
        "--tracer",
        backend::tracer(backend),
        "--no-tracer-fallback",
        "--no-hash",
        "--report",
    ]);
    command.arg(&path).arg("--").args(bench.programs.command("fault_flood")?).args(arguments);
    command.current_dir(world.root()).env_clear().envs(backend::variables(backend).iter().copied());
    command.envs([path_variable(), ("HOME".to_owned(), world.base().join("home").display().to_string())]);
    let stderr = world.base().join("stderr");
    command.stdout(create(&world.base().join("stdout"))?).stderr(create(&stderr)?);
    let ending = process::run(&mut command, TIME_LIMIT, started);
    let said = |stderr: &Path| fs::read_to_string(stderr).unwrap_or_default();
    match ending {
        Ok(Ending::Code(OWN_STATUS)) => {
            Report::parse(&fs::read(&path).map_err(|error| format!("no report: {error}"))?)
        }
        other => Err(format!("it ended with {other:?}\n{}", said(&stderr))),
    }
}
