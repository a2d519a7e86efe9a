//! Where programs are run: a world of their own for each run, bare or under a backend.

use std::collections::BTreeMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use conformance::Result;
use conformance::backend;
use conformance::process::{self, Ending, TIME_LIMIT};
use conformance::program::Programs;
use conformance::run::path_variable;
use conformance::world::{WRITE_OR_SPAWN, World, create};
use rustix::fs::{CWD, FallocateFlags, Mode, OFlags, fallocate, openat};
use rustix::process::geteuid;

use crate::model::{Machine, Settled};
use crate::script::{Entry, Task};

/// The program that performs scripts.
const ACTOR: &str = "agree_actor";

/// What is needed to run programs.
#[derive(Debug)]
pub struct Lab {
    roar: PathBuf,
    actor: PathBuf,
    /// What the model is to know of this machine.
    pub machine: Machine,
}

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// How it ended.
    pub ending: Ending,
    /// What it said besides the log.
    pub stderr: String,
    /// What each line but the last gave: its id, the result, the error, the sum over what it read.
    pub results: Vec<(u16, i64, i32, u32)>,
    /// The processes: the first task of each, by its id.
    pub processes: BTreeMap<i64, Task>,
    /// What is in the world at the end: each path with the content of a file, or the target of a link.
    pub tree: BTreeMap<String, Vec<u8>>,
    /// The report; none of a bare run.
    pub report: Option<Vec<u8>>,
    /// The directory that held the world, and the world.
    pub places: [String; 2],
}

impl Lab {
    /// Returns a lab for the programs below `source_dir`, and roar below `target_dir`; what is built is put into `scratch`.
    pub fn new(source_dir: &Path, target_dir: &Path, scratch: &Path) -> Result<Self> {
        let programs = Programs::find(source_dir, &scratch.join("programs"))?;
        let actor = programs.file(ACTOR)?;
        let bytes = fs::read(&actor).map_err(|error| format!("{}: {error}", actor.display()))?;
        let interpreted = format!("#!{}\n", actor.display()).into_bytes();
        let machine = Machine {
            actor: Arc::new(bytes),
            interpreted: Arc::new(interpreted),
            is_root: geteuid().is_root(),
            is_ext4: World::new().is_ok_and(|world| can_zero_nameless(world.base())),
        };
        Ok(Self { roar: backend::roar_binary(target_dir)?, actor, machine })
    }

    /// Runs a program bare.
    pub fn run_bare(&self, settled: &Settled) -> Result<Run> {
        self.run(settled, |_| Command::new(&self.actor))
    }

    /// Runs a program under a backend.
    pub fn run_under(&self, settled: &Settled, backend: &str) -> Result<Run> {
        self.run(settled, |report| {
            let mut command = Command::new(&self.roar);
            command.args(["run", "--quiet", "--tracer", backend, "--no-tracer-fallback", "--report"]);
            command.arg(report).arg("--").arg(&self.actor);
            command
        })
    }

    fn run(&self, settled: &Settled, command: impl FnOnce(&Path) -> Command) -> Result<Run> {
        let world = World::new()?;
        let (base, root) = (world.base(), world.root());
        for entry in &settled.program.world {
            self.put(&root, entry).map_err(|error| format!("{entry}: {error}"))?;
        }
        let (report, out, err) = (base.join("report.json"), base.join("stdout"), base.join("stderr"));
        let mut command = command(&report);
        command.arg(settled.program.script()).current_dir(&root).env_clear();
        command.env("HOME", base.join("home")).env("TMPDIR", base.join("tmp")).env("LC_ALL", "C");
        command.envs([path_variable()]).stdin(Stdio::null()).stdout(create(&out)?).stderr(create(&err)?);
        let ending = process::run(&mut command, TIME_LIMIT, |_| Ok(()));
        let text = |path| fs::read(path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let stderr = text(&err).unwrap_or_default();
        let ending = ending.map_err(|words| format!("{words}\n{stderr}"))?;
        let (results, processes) = read_log(&text(&out).map_err(|error| error.to_string())?)?;
        let mut tree = BTreeMap::new();
        read_tree(&root, &root, &mut tree).map_err(|error| format!("the world afterwards: {error}"))?;
        let report = match fs::read(&report) {
            Ok(report) => Some(report),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("the report: {error}")),
        };
        let places = [base, &root].map(|path| path.to_string_lossy().into_owned());
        Ok(Run { ending, stderr, results, processes, tree, report, places })
    }

    fn put(&self, root: &Path, entry: &Entry) -> io::Result<()> {
        match entry {
            Entry::Directory(path) => fs::create_dir(root.join(path)),
            Entry::File(path, content) => fs::write(root.join(path), content),
            Entry::Symlink(path, target) => symlink(absolute(root, target), root.join(path)),
            Entry::Link(path, old) => fs::hard_link(root.join(old), root.join(path)),
            Entry::Program(path) => put_program(&root.join(path), &self.machine.actor),
            Entry::Interpreted(path) => put_program(&root.join(path), &self.machine.interpreted),
        }
    }
}

fn absolute(root: &Path, target: &str) -> PathBuf {
    target.strip_prefix("^/").map_or_else(|| PathBuf::from(target), |below| root.join(below))
}

/// Writes a file that is executed later, while nobody is started who would inherit its descriptor.
fn put_program(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let _alone = WRITE_OR_SPAWN.lock().map_err(|error| io::Error::other(error.to_string()))?;
    fs::write(path, bytes)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

/// Returns whether the file system has what is modelled of ext4.
fn can_zero_nameless(directory: &Path) -> bool {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = openat(CWD, directory, flags, Mode::from_raw_mode(0o600)).map(File::from);
    let zero = |file: File| fallocate(&file, FallocateFlags::ZERO_RANGE, 0, 10);
    file.and_then(zero).is_ok()
}

type Log = (Vec<(u16, i64, i32, u32)>, BTreeMap<i64, Task>);

/// Reads `process TASK PID` and `ID RESULT ERRNO SUM`.
fn read_log(text: &str) -> Result<Log> {
    let (mut results, mut processes) = (Vec::new(), BTreeMap::new());
    for line in text.lines() {
        let unreadable = |why: &dyn std::fmt::Display| format!("{line:?} in the log of the actor: {why}");
        let is_process = line.starts_with("process ");
        let numbers = line
            .split(' ')
            .skip(is_process.into())
            .map(str::parse)
            .collect::<std::result::Result<Vec<i64>, _>>();
        match (is_process, &numbers.map_err(|error| unreadable(&error))?[..]) {
            (true, [task, pid]) => {
                processes.insert(*pid, Task::try_from(*task).map_err(|error| unreadable(&error))?);
            }
            (false, [id, value, errno, sum]) => {
                let narrow = (u16::try_from(*id), i32::try_from(*errno), u32::try_from(*sum));
                let (Ok(id), Ok(errno), Ok(sum)) = narrow else { return Err(unreadable(&"a number")) };
                results.push((id, *value, errno, sum));
            }
            _ => return Err(unreadable(&"its length")),
        }
    }
    Ok((results, processes))
}

/// Reads the world, but for roar's own directory: as the model's tree has it.
fn read_tree(root: &Path, directory: &Path, tree: &mut BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let below = path.strip_prefix(root).map_err(io::Error::other)?.to_string_lossy().into_owned();
        let kind = fs::symlink_metadata(&path)?.file_type();
        if below == ".roar" {
            continue;
        }
        if kind.is_dir() {
            tree.insert(format!("{below}/"), Vec::new());
            read_tree(root, &path, tree)?;
        } else if kind.is_symlink() {
            let target = fs::read_link(&path)?;
            let text = match target.strip_prefix(root) {
                Ok(below) => [b"-> ^/", below.as_os_str().as_bytes()].concat(),
                Err(_) => [b"-> ", target.as_os_str().as_bytes()].concat(),
            };
            tree.insert(below, text);
        } else {
            tree.insert(below, fs::read(&path)?);
        }
    }
    Ok(())
}
