//! Asking a tracer program, which may be broken, or hang.
//!
//! # Safety
//!
//! Between fork and exec the child calls only async-signal-safe functions; polling and killing take numbers and places that live
//! through them.

use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::{Bearing, CheckArguments, FORMAT, Fact};
use crate::inherited;

/// Longest answer that is listened to, bytes: ten times a long one.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Longest text of a program's own complaints that is passed on, in characters.
const COMPLAINT_MAX: usize = 200;

/// How an answer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It is whole.
    Whole,
    /// It did not come in time; what was being tried by then, if that was said.
    TimedOut(Option<String>),
    /// There is no such program.
    NotInstalled,
    /// The program could not be started, or ended without an answer; why.
    Broken(String),
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The facts that were told.
    pub facts: Vec<Fact>,
    /// How it ended.
    pub end: End,
    /// How long it took.
    pub took: Duration,
}

impl Answer {
    /// Returns whether the backend can be used.
    pub fn is_usable(&self) -> bool {
        self.end == End::Whole && self.facts.iter().all(|fact| fact.bearing != Bearing::Unmet)
    }

    /// Returns the fact because of which it cannot: what fails, or what explains it.
    pub fn obstacle(&self) -> Option<&Fact> {
        let at = self.facts.iter().position(|fact| fact.bearing == Bearing::Unmet);
        let before = &self.facts[..at.unwrap_or(self.facts.len())];
        let has_been_tried = before.iter().any(|fact| fact.name == super::trial::NAME);
        let suspect = before.iter().find(|fact| fact.bearing == Bearing::Suspect && !has_been_tried);
        match at {
            Some(at) => suspect.or(Some(&self.facts[at])),
            None => suspect.filter(|_| self.end != End::Whole),
        }
    }
}

/// Asks a tracer program. Not later than after that time it is answered, and nothing of the program is left.
pub fn ask(program: &Path, arguments: &CheckArguments, timeout: Duration) -> Answer {
    ask_by(Command::new(program), arguments, timeout)
}

/// Asks a tracer program as `command` would start it.
pub fn ask_by(mut command: Command, arguments: &CheckArguments, timeout: Duration) -> Answer {
    let began = Instant::now();
    let (facts, end) = match start(&mut command, arguments) {
        Ok(child) => listen(child, began + timeout),
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && !is_there(command.get_program().as_ref()) =>
        {
            (Vec::new(), End::NotInstalled)
        }
        Err(error) => (Vec::new(), End::Broken(format!("it cannot be started: {error}"))),
    };
    Answer { facts, end, took: began.elapsed() }
}

/// A program whose loader is missing cannot be found either (execve(2)).
fn is_there(program: &Path) -> bool {
    std::fs::symlink_metadata(program).is_ok()
}

fn start(command: &mut Command, arguments: &CheckArguments) -> io::Result<Child> {
    command.args(arguments.to_arguments()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: it is killed with all that it has made.
    command.process_group(0);
    let prepare = || {
        inherited::restore();
        // Whoever asks may be killed meanwhile.
        // SAFETY: numbers only.
        unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
        Ok(())
    };
    // SAFETY: `prepare` calls signal, sigaction, close and prctl only.
    unsafe { command.pre_exec(prepare) };
    command.spawn()
}

fn listen(mut child: Child, deadline: Instant) -> (Vec<Fact>, End) {
    let (mut said, mut complained) = (Vec::new(), Vec::new());
    let in_time = match (child.stdout.take(), child.stderr.take()) {
        (Some(stdout), Some(stderr)) => {
            read_both((stdout, &mut said), (stderr, &mut complained), deadline).unwrap_or(false)
        }
        _ => false,
    };
    // One that has ended is not hurt by it; its descendants, and one that hangs, end here.
    // SAFETY: numbers only; the group's leader has not been waited for.
    unsafe { libc::kill(-(child.id() as libc::pid_t), libc::SIGKILL) };
    let status = child.wait();
    let said = String::from_utf8_lossy(&said);
    let mut lines = said.lines();
    let is_answer = lines.next().is_some_and(|line| line.split(' ').next() == Some(FORMAT));
    let (mut facts, mut trying, mut is_whole) = (Vec::new(), None, false);
    for line in lines.filter(|_| is_answer) {
        match line.split_once('\t') {
            Some(("trying", what)) => trying = Some(what.to_owned()),
            None if line == "end" => is_whole = true,
            _ => facts.extend(Fact::parse(line)),
        }
    }
    let end = if is_whole {
        // What was tried shares the standard error of its tracer: the loader complains there.
        let trial =
            facts.iter_mut().find(|fact| fact.name == super::trial::NAME && fact.bearing == Bearing::Unmet);
        if let (Some(trial), Some(line)) = (trial, complaint(&complained)) {
            trial.found = format!("{}: {line}", trial.found);
        }
        End::Whole
    } else if in_time {
        End::Broken(how_it_ended(status, &complained))
    } else {
        End::TimedOut(trying)
    };
    (facts, end)
}

/// Reads both until they end, and returns whether that was in time.
fn read_both<A, B>(a: (A, &mut Vec<u8>), b: (B, &mut Vec<u8>), deadline: Instant) -> io::Result<bool>
where
    A: Read + AsRawFd,
    B: Read + AsRawFd,
{
    let ((mut a, a_text), (mut b, b_text)) = (a, b);
    let mut waits =
        [a.as_raw_fd(), b.as_raw_fd()].map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    while waits.iter().any(|wait| wait.fd >= 0) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        // Rounded up: a wait of 0 ms does not wait.
        let left_ms = i32::try_from(left.as_millis() + 1).unwrap_or(i32::MAX);
        // SAFETY: two valid entries; negative descriptors are left out.
        let ready = unsafe { libc::poll(waits.as_mut_ptr(), 2, left_ms) };
        if ready < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return Err(io::Error::last_os_error());
        }
        let mut take = |at: usize, from: &mut dyn Read, text: &mut Vec<u8>| -> io::Result<()> {
            if ready > 0 && waits[at].revents != 0 {
                let mut bytes = [0; 4096];
                let len = from.read(&mut bytes)?;
                text.extend_from_slice(&bytes[..len]);
                if len == 0 || text.len() > ANSWER_BYTES_MAX {
                    waits[at].fd = -1;
                }
            }
            Ok(())
        };
        take(0, &mut a, a_text)?;
        take(1, &mut b, b_text)?;
    }
    Ok(true)
}

fn how_it_ended(status: io::Result<ExitStatus>, complained: &[u8]) -> String {
    let how = match status {
        Ok(status) => match status.signal() {
            Some(signal) => format!("it was killed by signal {signal}"),
            None => format!("it ended with status {}", status.code().unwrap_or_default()),
        },
        Err(error) => format!("it cannot be waited for: {error}"),
    };
    complaint(complained).map_or_else(|| format!("{how} and said nothing"), |line| format!("{how}: {line}"))
}

/// Returns the first line that has something in it.
fn complaint(complained: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(complained);
    let line = text.lines().find(|line| !line.trim().is_empty())?;
    Some(super::field(&line.trim().chars().take(COMPLAINT_MAX).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn answer_of(script: &str, timeout: Duration) -> Answer {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("tracer");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        ask(&program, &CheckArguments::default(), timeout)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn one_that_hangs_is_killed_with_its_children_and_what_it_was_at_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let alive = directory.path().join("alive");
        // The child holds the pipe open until it is killed: its end is seen at the other end.
        make_fifo(&alive);
        let script = format!(
            "#!/bin/sh\necho roar.preflight/1 x\nprintf 'trying\\tto hang\\n'\n(exec sleep 1000 >{0}) &\nexec sleep 1000 >{0}\n",
            alive.display()
        );
        let reader = std::thread::spawn(move || fs::read(&alive));
        let answer = answer_of(&script, Duration::from_millis(300));
        assert_eq!(answer.end, End::TimedOut(Some("to hang".to_owned())));
        assert!(!answer.is_usable());
        assert!(answer.took < LONG, "{:?}", answer.took);
        // Comes back when nobody has the other end any more.
        assert_eq!(reader.join().unwrap().unwrap(), b"");
    }

    fn make_fifo(path: &Path) {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[test]
    fn broken_programs_are_told_apart() {
        let said = |script: &str| {
            let end = answer_of(script, LONG).end;
            if let End::Broken(how) = end { how } else { panic!("{end:?}") }
        };
        assert_eq!(said("#!/bin/sh\nexit 3\n"), "it ended with status 3 and said nothing");
        assert_eq!(
            said("#!/bin/sh\necho lib missing >&2\nexit 127\n"),
            "it ended with status 127: lib missing"
        );
        assert_eq!(said("#!/bin/sh\nkill -SEGV $$\n"), "it was killed by signal 11 and said nothing");
        assert!(said("#!/no/such/interpreter\n").starts_with("it cannot be started: No such file"));
        let absent = ask(Path::new("/no/such/tracer"), &CheckArguments::default(), LONG);
        assert_eq!(absent.end, End::NotInstalled);
    }

    #[test]
    fn an_answer_is_whole_with_its_last_line_and_the_first_suspect_explains_a_failure() {
        let head = "#!/bin/sh\nprintf 'roar.preflight/1 x\\nmet\\ta\\t1\\t\\t\\nsuspect\\tb\\t2\\t3\\tdo\\n";
        let usable = answer_of(&format!("{head}met\\ttrial\\tgood\\t\\t\\nend\\n'\n"), LONG);
        assert!(usable.is_usable());
        assert_eq!(usable.obstacle(), None);
        let unusable = answer_of(&format!("{head}unmet\\ttrial\\tbad\\t\\t\\nend\\n'\n"), LONG);
        assert!(!unusable.is_usable());
        assert_eq!(unusable.obstacle().unwrap().name, "b");
        let other = answer_of(
            &format!("{head}met\\ttrial\\tgood\\t\\t\\nunmet\\tprogram\\tx\\t\\t\\nend\\n'\n"),
            LONG,
        );
        assert_eq!(other.obstacle().unwrap().name, "program");
        let broken = answer_of(&format!("{head}'\nexit 9\n"), LONG);
        assert!(!broken.is_usable());
    }
}
