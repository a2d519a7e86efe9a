//! `cargo xtask choices`: which backend `auto` takes where something is forbidden or missing, and what it says of the others.
//!
//! Each environment is made of what Linux has for it: another user, a namespace, a system call filter, a root directory. What auto
//! takes must work there: a run of a small command has to be seen whole.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::flags::Flags;
use crate::{env, workspace};

/// Who has no rights: nobody.
const USER: &[&str] = &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"];

/// Mounts and process ids of its own, then, in there, what Docker leaves out.
const CONTAINER: &[&str] = &["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--wd=/home"];
const FEWER_RIGHTS: &[&str] = &["/bin/setpriv", "--bounding-set=-sys_admin,-sys_ptrace,-bpf,-perfmon"];

/// How often a short run is timed, each way.
const ROUNDS: usize = 201;

/// How much longer a run under `auto` may take than one with the backend named.
const AUTO_COST_MAX: Duration = Duration::from_millis(3);

/// What is in front of `roar` in an environment.
enum Before {
    /// These words.
    Words(&'static [&'static str]),
    /// A filter on system calls, then these words.
    Filter(&'static [&'static str], &'static [&'static str]),
    /// A root directory of its own, and a filter.
    Root,
}

struct Environment {
    name: &'static str,
    before: Before,
    /// In which of the folders of programs `roar` is.
    programs: &'static str,
    /// Which of the backends `auto` may take.
    expected: &'static str,
    command: &'static str,
}

const WHOLE: &str = "programs";

const ENVIRONMENTS: &[Environment] = &[
    Environment {
        name: "root",
        before: Before::Words(&[]),
        programs: WHOLE,
        expected: "ebpf",
        command: "true",
    },
    Environment {
        name: "a plain user",
        before: Before::Words(USER),
        programs: WHOLE,
        expected: "preload",
        command: "true",
    },
    Environment {
        name: "bpf(2) is refused: EPERM",
        before: Before::Filter(&["bpf=EPERM"], &[]),
        programs: WHOLE,
        expected: "preload",
        command: "true",
    },
    Environment {
        name: "bpf(2) is not there: ENOSYS",
        before: Before::Filter(&["bpf=ENOSYS"], &[]),
        programs: WHOLE,
        expected: "preload",
        command: "true",
    },
    Environment {
        name: "a plain user, no ptrace",
        before: Before::Filter(&["ptrace=EPERM"], USER),
        programs: WHOLE,
        expected: "preload",
        command: "true",
    },
    Environment {
        name: "a plain user, no library",
        before: Before::Words(USER),
        programs: "bare",
        expected: "ptrace",
        command: "true",
    },
    Environment {
        name: "a plain user, a static program",
        before: Before::Words(USER),
        programs: WHOLE,
        expected: "ptrace",
        command: "./static",
    },
    Environment {
        name: "root, a static program",
        before: Before::Words(&[]),
        programs: WHOLE,
        expected: "ebpf",
        command: "./static",
    },
    Environment {
        name: "a user namespace",
        before: Before::Words(&[
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "unshare",
            "--user",
            "--map-root-user",
        ]),
        programs: WHOLE,
        expected: "preload",
        command: "true",
    },
    Environment {
        name: "no new privileges, file capabilities",
        before: Before::Words(&[
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--inh-caps=-all",
            "--no-new-privs",
        ]),
        programs: "enabled",
        expected: "preload",
        command: "true",
    },
    Environment {
        name: "a plain user, file capabilities",
        before: Before::Words(USER),
        programs: "enabled",
        expected: "ebpf",
        command: "true",
    },
    Environment {
        name: "a container: root without capabilities, bpf(2) refused",
        before: Before::Root,
        programs: WHOLE,
        expected: "preload",
        command: "true",
    },
];

pub(crate) fn run(mut flags: Flags) -> Result<()> {
    let is_built = flags.switch("--no-build");
    flags.finish()?;
    if !is_built {
        workspace::build_programs(&workspace::shell()?)?;
    }
    let world = World::make()?;
    let mut wrong = 0;
    println!("| where | auto takes | eBPF | preload | ptrace |\n|---|---|---|---|---|");
    for environment in ENVIRONMENTS {
        match world.row(environment) {
            Ok((row, is_right)) => {
                println!("{row}");
                wrong += usize::from(!is_right);
            }
            Err(error) => {
                println!("| {} | cannot be made: {error:#} | | | |", environment.name);
                wrong += 1;
            }
        }
    }
    let yama = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
    println!(
        "\nYama: {}",
        yama.map_or("this kernel has none".to_owned(), |scope| format!("ptrace_scope {}", scope.trim()))
    );
    let cost = world.cost_of_auto()?;
    println!("{cost}");
    ensure!(wrong == 0, "{wrong} environments are not as they should be");
    Ok(())
}

/// A folder in which everybody may work, with copies of the programs.
struct World {
    folder: PathBuf,
}

impl World {
    fn make() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("roar-choices-{}", std::process::id()));
        let world = Self { folder };
        for name in ["", WHOLE, "bare", "enabled", "root"] {
            make(&world.folder.join(name), ONE_WRITES)?;
        }
        make(&world.folder.join("home"), ALL_WRITE)?;
        let built = workspace::target("release");
        for name in
            ["roar", "roar-tracer-ebpf", "roar-tracer-preload", "roar-tracer-ptrace", "libroar_preload.so"]
        {
            for folder in [WHOLE, "bare", "enabled"] {
                if folder != "bare" || name != "libroar_preload.so" {
                    fs::copy(built.join(name), world.folder.join(folder).join(name))
                        .with_context(|| name.to_owned())?;
                }
            }
        }
        world.static_program()?;
        world.root()?;
        let enabled =
            Command::new(world.folder.join("enabled/roar")).args(["tracer", "enable", "ebpf"]).output()?;
        ensure!(enabled.status.success(), "needs root: {}", String::from_utf8_lossy(&enabled.stderr));
        Ok(world)
    }

    fn static_program(&self) -> Result<()> {
        let source = self.folder.join("static.c");
        fs::write(&source, "int main(void) { return 0; }\n")?;
        let compiled = Command::new("gcc")
            .arg("-static")
            .arg("-o")
            .arg(self.folder.join("static"))
            .arg(&source)
            .status()?;
        ensure!(compiled.success(), "gcc -static fails");
        Ok(())
    }

    /// Makes a root directory with a shell, `true`, and the libraries that they and roar take.
    fn root(&self) -> Result<()> {
        let root = self.folder.join("root");
        for name in ["bin", "proc", "tmp", "home", "dev", "programs"] {
            make(&root.join(name), ALL_WRITE)?;
        }
        symlink(".", root.join("usr"))?;
        fs::write(root.join("dev/null"), "")?;
        let mut wanted: Vec<PathBuf> =
            ["/bin/sh", "/bin/true", "/bin/setpriv"].iter().map(PathBuf::from).collect();
        for entry in fs::read_dir(self.folder.join(WHOLE))? {
            let path = entry?.path();
            fs::copy(&path, root.join("programs").join(path.file_name().unwrap_or_default()))?;
            wanted.push(path);
        }
        for program in &wanted {
            if program.starts_with("/bin") {
                fs::copy(program, root.join(program.strip_prefix("/")?))?;
            }
            let libraries = Command::new("ldd").arg(program).output()?;
            for word in String::from_utf8_lossy(&libraries.stdout)
                .split_whitespace()
                .filter(|word| word.starts_with('/'))
            {
                // Where libraries are is no matter of /usr there.
                let place = root.join(word.trim_start_matches("/usr").trim_start_matches('/'));
                fs::create_dir_all(place.parent().context("a library has a folder")?)?;
                fs::copy(word, place)?;
            }
        }
        Ok(())
    }

    /// Returns `roar` with these words, in an environment; `home` is new for each.
    fn roar(&self, environment: &Environment, home: &Path, words: &[&str]) -> Result<Output> {
        let mut line: Vec<String> = Vec::new();
        let confine = workspace::root().join("tests/cli/confine.py");
        let confine = |rules: &[&str]| {
            let script =
                ["python3", "-I"].into_iter().map(str::to_owned).chain([confine.display().to_string()]);
            script
                .chain(rules.iter().map(|rule| (*rule).to_owned()))
                .chain(["--".to_owned()])
                .collect::<Vec<_>>()
        };
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let mut roar = self.folder.join(environment.programs).join("roar");
        let mut cwd = home.to_owned();
        match environment.before {
            Before::Words(words) => line.extend(owned(words)),
            Before::Filter(rules, words) => {
                line.extend(confine(rules));
                line.extend(owned(words));
            }
            Before::Root => {
                line.extend(confine(&["bpf=EPERM"]));
                line.extend(owned(CONTAINER));
                line.push(format!("--root={}", self.folder.join("root").display()));
                line.extend(owned(FEWER_RIGHTS));
                roar = PathBuf::from("/programs/roar");
                cwd = PathBuf::from("/home");
            }
        }
        line.push(roar.display().to_string());
        line.extend(owned(words));
        let (program, arguments) = line.split_first().context("there is a program")?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .env(env::PATH, "/usr/bin:/bin:/usr/sbin:/sbin")
            .env(env::HOME, &cwd);
        command.current_dir(home).stdin(Stdio::null());
        command.output().with_context(|| format!("cannot start {program}"))
    }

    fn row(&self, environment: &Environment) -> Result<(String, bool)> {
        let name = environment.name;
        let is_inside = matches!(environment.before, Before::Root);
        let home = if is_inside {
            self.folder.join("root/home")
        } else {
            self.folder.join("home").join(name.replace([' ', ':', ','], "-"))
        };
        make(&home, ALL_WRITE)?;
        fs::copy(self.folder.join("static"), home.join("static"))?;
        let asked = self.roar(environment, &home, &["tracer", "--json"])?;
        let tracer: Value = serde_json::from_slice(&asked.stdout)
            .with_context(|| String::from_utf8_lossy(&asked.stderr).into_owned())?;
        let ran = self.roar(environment, &home, &["run", "--report", "report.json", environment.command])?;
        let report = fs::read(home.join("report.json"))
            .with_context(|| String::from_utf8_lossy(&ran.stderr).into_owned())?;
        let report: Value = serde_json::from_slice(&report)?;
        let taken = report["backend"].as_str().unwrap_or_default();
        let is_whole = report["coverage"]["complete"] == true && ran.status.success();
        let why = |backend: &str| {
            let passed_over = report["tracer"]["fell_back_from"].as_array().cloned().unwrap_or_default();
            let passed_over = passed_over.into_iter().find(|one| one["backend"] == backend);
            let known = tracer["backends"]
                .as_array()
                .and_then(|all| all.iter().find(|one| one["backend"] == backend))
                .cloned();
            let reason = known.as_ref().and_then(|known| known["reason"].as_str()).map(str::to_owned);
            let reason = reason.or_else(|| Some(passed_over?["reason"].as_str()?.to_owned()));
            reason.unwrap_or_else(|| "works".to_owned()).replace('|', "\\|")
        };
        let seen = if is_whole { "" } else { ", **not seen whole**" };
        let unexpected = if taken == environment.expected {
            String::new()
        } else {
            format!(", **not {}**", environment.expected)
        };
        let row = format!(
            "| {name} | {taken}{seen}{unexpected} | {} | {} | {} |",
            why("ebpf"),
            why("preload"),
            why("ptrace")
        );
        Ok((row, is_whole && taken == environment.expected))
    }

    /// Times `roar run true`, under auto and with that backend named, in turn.
    fn cost_of_auto(&self) -> Result<String> {
        let environment =
            ENVIRONMENTS.iter().find(|one| one.name == "a plain user").context("it is in the table")?;
        let home = self.folder.join("home/timed");
        make(&home, ALL_WRITE)?;
        self.roar(environment, &home, &["init", "-n"])?;
        let time = |words: &[&str]| -> Result<Duration> {
            let began = Instant::now();
            let ran = self.roar(environment, &home, words)?;
            let took = began.elapsed();
            if !ran.status.success() {
                bail!("{}", String::from_utf8_lossy(&ran.stderr));
            }
            Ok(took)
        };
        let (mut auto, mut named) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            auto.push(time(&["run", "-q", "true"])?);
            named.push(time(&["run", "-q", "--tracer", environment.expected, "true"])?);
        }
        let (auto, named) = (median(auto), median(named));
        let more = auto.saturating_sub(named);
        ensure!(more <= AUTO_COST_MAX, "auto takes {more:?} more: {auto:?} against {named:?}");
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        Ok(format!(
            "roar run true, median of {ROUNDS}, in turn: auto {:.2} ms, {} named {:.2} ms",
            ms(auto),
            environment.expected,
            ms(named)
        ))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // What stays is in the folder of temporary files.
        let _left = fs::remove_dir_all(&self.folder);
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Permissions of folders that everybody may look into, and of those in which everybody may make files.
const ONE_WRITES: u32 = 0o755;
const ALL_WRITE: u32 = 0o777;

fn make(path: &Path, mode: u32) -> Result<()> {
    fs::create_dir_all(path).with_context(|| path.display().to_string())?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(())
}
