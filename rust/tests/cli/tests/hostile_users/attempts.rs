//! The attempts.

use std::fs;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use crate::world::{OTHER_USER, USER, WAITING, Waiting, World, all_bytes, contains, wait_until};

/// Prints what a process is given, of which a tracer might change something.
const SELF: &str = r#"
grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|Sig|Shd)' /proc/self/status
tr '\0' '\n' < /proc/$$/environ
for fd in /proc/$$/fd/*; do echo "${fd##*/} $(readlink "$fd" | sed 's/pipe:.*/pipe/')"; done
cat /proc/$$/limits /proc/$$/personality
stat -c %U /proc/$$/mem
"#;

fn pid_of(id: u32) -> Pid {
    Pid::from_raw(id as i32).unwrap()
}

#[test]
fn a_user_without_rights_can_trace() {
    let Some(world) = World::new() else { return };
    let input = world.of_root("input", "content");
    let traced = world
        .by_user(world.path("programs/roar"))
        .args(["run", "--tracer", "ebpf", "--no-tracer-fallback", "--report", "report.json", "cat"])
        .arg(&input)
        .output()
        .unwrap();
    assert_eq!((traced.status.code(), &*traced.stdout), (Some(0), &b"content"[..]), "{traced:?}");
    let report = fs::read_to_string(world.path("user/report.json")).unwrap();
    assert!(report.contains("\"backend\": \"ebpf\"") && report.contains(input.to_str().unwrap()), "{report}");
}

#[test]
fn the_command_has_what_it_would_have_without_roar() {
    let Some(world) = World::new() else { return };
    fs::write(world.path("root/self.sh"), SELF).unwrap();
    let script = world.path("root/self.sh");
    let run = |before: &str| {
        // The memory has no places by chance, the stack no limit, and a descriptor is closed: all of it is undone by exec of a program with
        // capabilities, as are some of the variables.
        let line = format!("ulimit -s unlimited; exec setarch -R {before} sh {} <&-", script.display());
        let answer = world
            .by_user("sh")
            .args(["-c", &line])
            .envs([
                ("TMPDIR", "/var/tmp"),
                ("LD_LIBRARY_PATH", "/nowhere"),
                ("MALLOC_TRACE", "x"),
                ("PLAIN", "1"),
            ])
            .stdout(fs::File::create(world.path("root/said")).unwrap())
            .output()
            .unwrap();
        assert!(answer.status.success(), "{answer:?}");
        fs::read_to_string(world.path("root/said")).unwrap()
    };
    let bare = run("");
    let roar = world.path("programs/roar");
    let traced = run(&format!("{} run -q --tracer ebpf --no-tracer-fallback --", roar.display()));
    assert!(bare.contains("LD_LIBRARY_PATH=/nowhere") && bare.contains("CapPrm"), "{bare}");
    // How many signals wait for all processes of the user is not this one's: the limit behind it is.
    let own = |line: &str| match line.strip_prefix("SigQ:") {
        Some(queued) => queued.split('/').next_back().map(str::to_owned),
        None => Some(line.to_owned()),
    };
    let differences: Vec<_> =
        bare.lines().zip(traced.lines()).filter(|(bare, traced)| own(bare) != own(traced)).collect();
    assert_eq!((differences, bare.lines().count()), (Vec::new(), traced.lines().count()));
}

#[test]
fn the_tracer_has_given_its_capabilities_up_when_the_command_runs() {
    let Some(world) = World::new() else { return };
    let waiting = Waiting::start(world.trace(&world.run_dir("run"), ["sh", "-c", WAITING]));
    let status = fs::read_to_string(format!("/proc/{}/status", waiting.child.id())).unwrap();
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert!(status.contains(&format!("{set}:\t0000000000000000\n")), "{status}");
    }
    assert!(waiting.end().status.success());
}

#[test]
fn processes_of_others_do_not_appear() {
    let Some(world) = World::new() else { return };
    let run_dir = world.run_dir("run");
    let waiting = Waiting::start(world.trace(&run_dir, ["sh", "-c", WAITING]));
    let secret = world.of_root("secret-of-root", "x");
    let mut others = Vec::new();
    for user in [0, OTHER_USER, USER] {
        let read =
            world.by(user, "sh").args(["-c", "cat $0; echo $$", secret.to_str().unwrap()]).output().unwrap();
        let said = String::from_utf8(read.stdout).unwrap();
        others.push(said.strip_prefix('x').unwrap().trim().to_owned());
    }
    assert!(waiting.end().status.success());
    let told = all_bytes(&run_dir);
    assert!(contains(&told, "ready"), "the run itself is there");
    assert!(!contains(&told, "secret-of-root"));
    for other in others {
        assert!(!contains(&told, &format!(" {other} {other} ")), "process {other} is in the log");
    }
}

#[test]
fn a_process_of_another_that_gets_the_number_of_an_ended_one_does_not_appear() {
    let Some(world) = World::new() else { return };
    const LAST: &str = "/proc/sys/kernel/ns_last_pid";
    let run_dir = world.run_dir("run");
    // The process that ends has threads besides, of which the first one ends first.
    let command = "import os, sys, threading\n\
                   print('ready', flush=True)\n\
                   child = os.fork()\n\
                   if child == 0:\n\
                   \x20   thread = threading.Thread(target=lambda: os._exit(0))\n\
                   \x20   thread.start()\n\
                   \x20   thread.join()\n\
                   os.waitpid(child, 0)\n\
                   print(child, flush=True)\n\
                   sys.stdin.readline()\n";
    let mut waiting = Waiting::start(world.trace(&run_dir, ["python3", "-I", "-c", command]));
    let ended: u32 = waiting.line().parse().unwrap();
    let secret = world.of_root("secret-of-root", "x");
    let is_used_again = (0..200).any(|_| {
        fs::write(LAST, (ended - 1).to_string()).unwrap();
        let script = "test $$ = $1 && cat $0";
        let read =
            world.by(0, "sh").args(["-c", script, secret.to_str().unwrap(), &ended.to_string()]).output();
        read.unwrap().stdout == b"x"
    });
    assert!(is_used_again, "nobody got the number {ended}");
    assert!(waiting.end().status.success());
    assert!(!contains(&all_bytes(&run_dir), "secret-of-root"));
}

#[test]
fn two_runs_do_not_see_each_other() {
    let Some(world) = World::new() else { return };
    let runs = ["one", "two"].map(|name| {
        let script = format!("cat ../root/of-{name} > /dev/null; {WAITING}");
        world.of_root(&format!("of-{name}"), "x");
        let run_dir = world.run_dir(name);
        (Waiting::start(world.trace(&run_dir, ["sh", "-c", &script])), run_dir, name)
    });
    let told = runs.map(|(waiting, run_dir, name)| {
        assert!(waiting.end().status.success());
        (all_bytes(&run_dir), name)
    });
    for (bytes, name) in &told {
        for other in ["one", "two"] {
            assert_eq!(
                contains(bytes, &format!("root/of-{other}")),
                other == *name,
                "run {name}, file of {other}"
            );
        }
    }
}

#[test]
fn nobody_looks_into_the_tracer() {
    let Some(world) = World::new() else { return };
    let waiting = Waiting::start(world.trace(&world.run_dir("run"), ["sh", "-c", WAITING]));
    let tracer = waiting.child.id();
    for what in ["attach", "seize", "read-memory", "steal"] {
        assert_eq!(world.attempt(USER, what, tracer), "EPERM", "{what}");
    }
    for file in ["mem", "maps", "environ", "fd/3", "map_files", "fdinfo/3", "auxv", "syscall", "stack"] {
        let path = format!("/proc/{tracer}/{file}");
        let read = world.by_user("sh").args(["-c", "exec head -c 1 \"$0\"", &path]).output().unwrap();
        assert!(!read.status.success() && read.stdout.is_empty(), "{path}: {read:?}");
    }
    let listed = world.by_user("ls").arg(format!("/proc/{tracer}/fd")).output().unwrap();
    assert!(!listed.status.success(), "{listed:?}");
    assert!(waiting.end().status.success());
}

#[test]
fn what_it_has_in_the_kernel_cannot_be_had_from_outside() {
    let Some(world) = World::new() else { return };
    let waiting = Waiting::start(world.trace(&world.run_dir("run"), ["sh", "-c", WAITING]));
    let programs = numbers(waiting.child.id(), "prog_id:");
    let maps = numbers(waiting.child.id(), "map_id:");
    assert!(!programs.is_empty() && !maps.is_empty(), "{programs:?} {maps:?}");
    for number in programs {
        assert_eq!(world.attempt(0, "program", number), "done", "the number is right");
        assert_eq!(world.attempt(USER, "program", number), "EPERM");
    }
    for number in maps {
        assert_eq!(world.attempt(USER, "map", number), "EPERM");
    }
    assert_eq!(world.attempt(USER, "maps", 0), "EPERM");
    assert!(waiting.end().status.success());
}

/// Returns the numbers of programs or maps that a process has descriptors of.
fn numbers(process: u32, field: &str) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{process}/fdinfo")) else { return Vec::new() };
    let read = |entry: std::io::Result<fs::DirEntry>| fs::read_to_string(entry.ok()?.path()).ok();
    let number = |text: String| text.lines().find_map(|line| line.strip_prefix(field)?.trim().parse().ok());
    entries.filter_map(read).filter_map(number).collect()
}

#[test]
fn nothing_is_written_where_the_user_may_not_write() {
    let Some(world) = World::new() else { return };
    let directory = world.path("root/directory");
    fs::create_dir(&directory).unwrap();
    let link = world.path("user/link");
    symlink(&directory, &link).unwrap();
    for run_dir in [&directory, &link] {
        let answer = world.trace(run_dir, ["true"]).output().unwrap();
        assert_eq!(answer.status.code(), Some(125), "{answer:?}");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    }
}

#[test]
fn links_in_the_run_directory_lead_nowhere() {
    let Some(world) = World::new() else { return };
    let target = world.of_root("target", "as it was");
    for name in ["events", "tracer.log", "report.unfinished", "report"] {
        for leads_to in [&target, &world.path("root/not-there")] {
            let run_dir = world.run_dir("run");
            symlink(leads_to, run_dir.join(name)).unwrap();
            world.trace(&run_dir, ["true"]).output().unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), "as it was", "{name}");
            assert_eq!(fs::read_dir(world.path("root")).unwrap().count(), 1, "{name}");
            fs::remove_dir_all(&run_dir).unwrap();
        }
    }
}

#[test]
fn a_run_directory_that_is_exchanged_while_the_tracer_starts_leads_nowhere() {
    let Some(world) = World::new() else { return };
    let directory = world.path("root/directory");
    fs::create_dir(&directory).unwrap();
    world.run_dir("real");
    symlink(&directory, world.path("user/false")).unwrap();
    // Exchanges the two as fast as it can, all the time (renameat2(2), RENAME_EXCHANGE).
    let exchange = "import ctypes\nlibc = ctypes.CDLL(None)\n\
                    while True: libc.renameat2(-100, b'real', -100, b'false', 2)\n";
    let mut exchanging = world.by_user("python3").args(["-I", "-c", exchange]).spawn().unwrap();
    for _ in 0..8 {
        world.trace(&world.path("user/real"), ["true"]).output().unwrap();
    }
    exchanging.kill().unwrap();
    exchanging.wait().unwrap();
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
}

#[test]
fn no_other_code_is_loaded() {
    let Some(world) = World::new() else { return };
    let source = world.of_root(
        "evil.c",
        r#"#include <fcntl.h>
#include <errno.h>
#include <string.h>
extern char *program_invocation_short_name;
unsigned la_version(unsigned version) { return version; }
__attribute__((constructor)) static void evil(void) {
    char name[256] = "loaded-";
    strncat(name, program_invocation_short_name, 200);
    open(name, O_CREAT | O_WRONLY, 0600);
}"#,
    );
    let library = world.path("root/evil.so");
    let compiled =
        Command::new("gcc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).output().unwrap();
    assert!(compiled.status.success(), "{compiled:?}");
    let libraries = world.run_dir("libraries");
    for name in ["libgcc_s.so.1", "libc.so.6"] {
        fs::copy(&library, libraries.join(name)).unwrap();
    }
    for (variable, value) in [
        ("LD_PRELOAD", &library),
        ("LD_AUDIT", &library),
        ("LD_LIBRARY_PATH", &libraries),
        ("GCONV_PATH", &libraries),
        ("LOCPATH", &libraries),
    ] {
        let run_dir = world.run_dir("run");
        world.trace(&run_dir, ["/bin/true"]).env(variable, value).output().unwrap();
        let is_loaded =
            |program: &str| fs::metadata(world.path("user").join(format!("loaded-{program}"))).is_ok();
        // The command is the user's, and gets what he wants.
        assert_eq!(is_loaded("true"), variable == "LD_PRELOAD" || variable == "LD_AUDIT", "{variable}");
        assert!(!is_loaded("roar-tracer-ebpf"), "{variable}");
        fs::remove_dir_all(&run_dir).unwrap();
        let _none = fs::remove_file(world.path("user/loaded-true"));
    }
}

#[test]
fn a_copy_of_the_tracer_has_no_rights() {
    let Some(world) = World::new() else { return };
    let copied = world.by_user("cp").arg(world.tracer()).arg("copy").output().unwrap();
    assert!(copied.status.success(), "{copied:?}");
    let checked = world.by_user(world.path("user/copy")).arg("--check").output().unwrap();
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");
    assert!(String::from_utf8_lossy(&checked.stdout).contains("Operation not permitted"), "{checked:?}");
}

#[test]
fn a_setuid_tracer_does_nothing() {
    let Some(world) = World::new() else { return };
    fs::set_permissions(world.tracer(), fs::Permissions::from_mode(0o4755)).unwrap();
    let answer = world.trace(&world.run_dir("run"), ["touch", "made"]).output().unwrap();
    assert_eq!(answer.status.code(), Some(125), "{answer:?}");
    assert!(String::from_utf8_lossy(&answer.stderr).contains("must not be setuid"), "{answer:?}");
    assert!(fs::metadata(world.path("user/made")).is_err());
}

#[test]
fn a_traced_tracer_has_no_rights() {
    let Some(world) = World::new() else { return };
    let answer = world
        .by_user("strace")
        .args(["-f", "-o", "/dev/null"])
        .arg(world.tracer())
        .arg("--check")
        .output()
        .unwrap();
    assert_eq!(answer.status.code(), Some(1), "{answer:?}");
}

#[test]
fn root_of_a_user_namespace_has_no_rights() {
    let Some(world) = World::new() else { return };
    let unshare = |words: &[&str]| {
        let mut unshare = world.by_user("unshare");
        unshare.args(["--user", "--map-root-user", "--pid", "--fork"]).args(words).output().unwrap()
    };
    if !unshare(&["true"]).status.success() {
        // Users may make none here.
        return;
    }
    let answer = unshare(&[world.tracer().to_str().unwrap(), "--check"]);
    assert_eq!(answer.status.code(), Some(1), "{answer:?}");
}

#[test]
fn a_caller_who_is_short_of_everything_is_refused_or_traced() {
    let Some(world) = World::new() else { return };
    for limit in [
        "--nofile=5",
        "--nofile=8",
        "--nofile=14",
        "--nofile=24",
        "--nproc=1",
        "--fsize=0",
        "--stack=65536",
        "--memlock=0",
    ] {
        let run_dir = world.run_dir("run");
        let traced = world.trace(&run_dir, ["sh", "-c", "exit 0"]);
        let mut limited = world.by_user("prlimit");
        let answer = limited
            .args([limit, "--core=unlimited", "--"])
            .arg(traced.get_program())
            .args(traced.get_args())
            .output()
            .unwrap();
        assert!(matches!(answer.status.code(), Some(0 | 125)), "{limit}: {answer:?}");
        fs::remove_dir_all(&run_dir).unwrap();
    }
}

#[test]
fn a_caller_with_ambient_capabilities_is_told_that_the_command_would_lack_them() {
    let Some(world) = World::new() else { return };
    let answer = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups"])
        .args(["--inh-caps", "+net_raw", "--ambient-caps", "+net_raw", "sh", "-c", "\"$0\" --check; exit $?"])
        .arg(world.tracer())
        .output()
        .unwrap();
    assert_eq!(answer.status.code(), Some(1), "{answer:?}");
    assert!(String::from_utf8_lossy(&answer.stdout).contains("ambient"), "{answer:?}");
}

#[test]
fn signals_go_to_the_command_alone() {
    let Some(world) = World::new() else { return };
    let mut victims = [0, USER].map(|user| {
        let mut victim = world.by(user, "sh");
        Waiting::start({
            victim.args(["-c", WAITING]);
            victim
        })
    });
    let run_dir = world.run_dir("run");
    let (ours, theirs) = UnixStream::pair().unwrap();
    fcntl_setfd(&theirs, FdFlags::empty()).unwrap();
    let mut tracer = world.by_user(world.tracer());
    tracer.arg("--run-dir").arg(&run_dir).args(["--control", &theirs.as_raw_fd().to_string(), "--"]);
    let waiting = Waiting::start({
        tracer.args(["sh", "-c", WAITING]);
        tracer
    });
    // A message about a signal: its kind, the signal, who sent it.
    for victim in &victims {
        let message: Vec<u8> = [1, 15, victim.child.id()].into_iter().flat_map(u32::to_le_bytes).collect();
        std::io::Write::write_all(&mut &ours, &message).unwrap();
    }
    let mut tracer = waiting.child;
    assert!(tracer.wait().unwrap().success());
    assert!(fs::metadata(world.path("user/over")).is_err(), "the command was ended by the signal");
    for victim in &mut victims {
        assert!(victim.child.try_wait().unwrap().is_none());
    }
    for victim in victims {
        assert_eq!(victim.end().status.code(), Some(7));
    }
}

#[test]
fn any_number_may_be_given_for_the_control_channel() {
    let Some(world) = World::new() else { return };
    for number in ["0", "1", "2", "3", "4", "9", "1000000", "-1"] {
        let run_dir = world.run_dir("run");
        let mut tracer = world.by_user(world.tracer());
        tracer.arg("--run-dir").arg(&run_dir).args(["--control", number, "--", "sh", "-c", "exit 3"]);
        let answer = tracer.output().unwrap();
        assert_eq!(answer.status.code(), Some(0), "{number}: {answer:?}");
        assert!(fs::metadata(run_dir.join("report")).is_ok(), "{number}");
        fs::remove_dir_all(&run_dir).unwrap();
    }
}

/// Moments after the start at which the tracer is killed, milliseconds: while it loads, and while the command runs.
const MOMENTS: &[u64] = &[0, 2, 5, 10, 15, 20, 30, 40, 60, 100];

#[test]
fn a_killed_tracer_leaves_nothing_attached() {
    let Some(world) = World::new() else { return };
    for moment in MOMENTS {
        let run_dir = world.run_dir("run");
        let mut child = world.trace(&run_dir, ["true"]).stdout(Stdio::null()).spawn().unwrap();
        std::thread::park_timeout(Duration::from_millis(*moment));
        let programs = numbers(child.id(), "prog_id:");
        child.kill().unwrap();
        child.wait().unwrap();
        for number in programs {
            wait_until("a program is still there", || world.attempt(0, "program", number) == "ENOENT");
        }
        fs::remove_dir_all(&run_dir).unwrap();
    }
}

#[test]
fn the_command_of_a_killed_tracer_runs_on_to_its_own_end() {
    let Some(world) = World::new() else { return };
    let mut roar = world.by_user(world.path("programs/roar"));
    roar.args(["run", "-q", "--tracer", "ebpf", "--no-tracer-fallback", "--report", "report.json"]);
    roar.args(["sh", "-c", WAITING]);
    let waiting = Waiting::start(roar);
    let tracer = only_child(waiting.child.id());
    let command = only_child(tracer);
    let programs = numbers(tracer, "prog_id:");
    // The command may be there before the tracer has written that it is.
    wait_until("the run has not begun", || has_begun(&world.path("user/.roar/runs")));
    kill_process(pid_of(tracer), Signal::KILL).unwrap();
    wait_until("the tracer is still there", || {
        !Path::new(&format!("/proc/{tracer}/exe")).is_symlink()
            || fs::read_link(format!("/proc/{tracer}/exe")).is_err()
    });
    for number in programs {
        wait_until("a program is still there", || world.attempt(0, "program", number) == "ENOENT");
    }
    test_kill_process(pid_of(command)).unwrap();
    let ended = waiting.end();
    assert_eq!(ended.status.code(), Some(7), "{ended:?}");
    assert_eq!(fs::read_to_string(world.path("user/over")).unwrap(), "over\n");
    let report = fs::read_to_string(world.path("user/report.json")).unwrap();
    assert!(report.contains("tracer_died") && report.contains("\"complete\": false"), "{report}");
}

/// Returns whether something stands in the events of a run.
fn has_begun(runs: &Path) -> bool {
    let length = |run: fs::DirEntry| fs::metadata(run.path().join("events")).map_or(0, |found| found.len());
    fs::read_dir(runs).is_ok_and(|mut runs| runs.any(|run| run.is_ok_and(|run| length(run) > 0)))
}

fn only_child(process: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap();
    children.trim().parse().unwrap()
}
