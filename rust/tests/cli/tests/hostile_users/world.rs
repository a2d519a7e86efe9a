//! Directories of root and of a user, with the programs set up as `roar tracer enable ebpf` does it.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The user, and his group: nobody.
pub(crate) const USER: u32 = 65534;

/// Another one.
pub(crate) const OTHER_USER: u32 = 65533;

/// A command that says when it runs, waits for a line, and ends with 7.
pub(crate) const WAITING: &str = "echo ready; read line; echo over > over; exit 7";

/// Longest wait for what takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

pub(crate) struct World {
    directory: TempDir,
}

impl World {
    /// Makes one; `None`, and a word, where that cannot be.
    pub(crate) fn new() -> Option<Self> {
        let is_required =
            std::env::var("ROAR_REQUIRE").is_ok_and(|words| words.split(',').any(|word| word == "ebpf"));
        match Self::make() {
            Ok(world) => Some(world),
            Err(reason) if is_required => panic!("{reason}"),
            Err(reason) => {
                println!("skipped: {reason}");
                None
            }
        }
    }

    fn make() -> Result<Self, String> {
        let programs = newest_programs();
        if !programs.join("roar-tracer-ebpf").is_file() {
            return Err(format!(
                "there is no {}/roar-tracer-ebpf: cargo build --release -p tracer-ebpf",
                programs.display()
            ));
        }
        let directory = tempfile::Builder::new().prefix("roar-hostile-").tempdir().unwrap();
        let world = Self { directory };
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(world.directory.path(), open.clone()).unwrap();
        for name in ["programs", "user", "root"] {
            fs::create_dir(world.path(name)).unwrap();
            fs::set_permissions(world.path(name), open.clone()).unwrap();
        }
        for program in ["roar", "roar-tracer-ebpf"] {
            fs::copy(programs.join(program), world.path("programs").join(program)).unwrap();
        }
        if chown(world.path("user"), Some(USER), Some(USER)).is_err() {
            return Err("needs root".to_owned());
        }
        let enabled =
            Command::new(world.path("programs/roar")).args(["tracer", "enable", "ebpf"]).output().unwrap();
        if enabled.status.success() {
            Ok(world)
        } else {
            Err(String::from_utf8_lossy(&enabled.stderr).into_owned())
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Makes an empty directory of the user's.
    pub(crate) fn run_dir(&self, name: &str) -> PathBuf {
        let path = self.path("user").join(name);
        fs::create_dir(&path).unwrap();
        chown(&path, Some(USER), Some(USER)).unwrap();
        path
    }

    /// Writes a file of root's that everybody may read.
    pub(crate) fn of_root(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path("root").join(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn tracer(&self) -> PathBuf {
        self.path("programs/roar-tracer-ebpf")
    }

    /// Returns a program, about to be run by the user in his directory with hardly any environment.
    pub(crate) fn by_user(&self, program: impl AsRef<OsStr>) -> Command {
        self.by(USER, program)
    }

    pub(crate) fn by(&self, user: u32, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.uid(user).gid(user).current_dir(self.path("user")).env_clear();
        command.env("PATH", PATH).env("HOME", self.path("user")).stdin(Stdio::null());
        command
    }

    /// Returns the tracer, about to be run by the user.
    pub(crate) fn trace<I: IntoIterator<Item: AsRef<OsStr>>>(&self, run_dir: &Path, command: I) -> Command {
        let mut tracer = self.by_user(self.tracer());
        tracer.arg("--run-dir").arg(run_dir).args(["--log", "--linger-ms", "100", "--"]).args(command);
        tracer
    }

    /// Tries something on a process or a number by way of a call, and returns how that ended.
    pub(crate) fn attempt(&self, user: u32, what: &str, number: u32) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile_users/attempt.py");
        let script = fs::read_to_string(script).unwrap();
        let answer =
            self.by(user, "python3").args(["-I", "-c", &script, what, &number.to_string()]).output().unwrap();
        assert!(answer.status.success(), "{answer:?}");
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    }
}

/// A command that waits in the middle, see [`WAITING`].
pub(crate) struct Waiting {
    pub(crate) child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Waiting {
    /// Starts it, and returns when it waits.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let stdin = child.stdin.take().unwrap();
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "{:?}", child.wait_with_output());
        Self { child, stdin, stdout }
    }

    /// Returns the next line that it says.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    /// Lets it go on, and returns how it ended.
    pub(crate) fn end(mut self) -> Output {
        self.say("go on");
        self.child.wait_with_output().unwrap()
    }
}

/// Waits until something is so.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Returns everything that is in the files of a directory and below.
pub(crate) fn all_bytes(directory: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            bytes.extend(all_bytes(&entry.path()));
        } else if kind.is_file() {
            bytes.extend(fs::read(entry.path()).unwrap());
        }
    }
    bytes
}

pub(crate) fn contains(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|window| window == word.as_bytes())
}

/// Returns the directory of the programs that were built last.
fn newest_programs() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    // target/PROFILE/deps/TEST
    let target = test.ancestors().nth(3).unwrap();
    let built = |profile: &str| {
        let directory = target.join(profile);
        Some((fs::metadata(directory.join("roar-tracer-ebpf")).ok()?.modified().ok()?, directory))
    };
    ["debug", "release"]
        .into_iter()
        .filter_map(built)
        .max()
        .map_or(target.join("release"), |(_, directory)| directory)
}
