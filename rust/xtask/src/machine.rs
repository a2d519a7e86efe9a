//! An emulated machine: qemu with a kernel and an initramfs, and its console, which is all that it says.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result};

/// A machine that has not been started yet.
pub(crate) struct Machine<'a> {
    /// The emulator.
    pub(crate) program: &'a str,
    /// The processor and the board, as words for the emulator.
    pub(crate) hardware: &'a [&'a str],
    pub(crate) kernel: &'a Path,
    pub(crate) initramfs: &'a Path,
    /// The kernel's parameters besides those that all machines have.
    pub(crate) parameters: &'a str,
    /// A guest that hangs is ended after this time, however slow the machine that emulates it is.
    pub(crate) seconds_max: u32,
}

impl Machine<'_> {
    /// Runs the machine until it has powered itself off, keeps its console in `log`, and tells `heard` each line of it.
    pub(crate) fn run(&self, log: &Path, mut heard: impl FnMut(&str)) -> Result<ExitStatus> {
        let mut log_file = File::create(log).with_context(|| log.display().to_string())?;
        let mut guest = self.command().spawn().context("failed to start the emulator")?;
        let console = guest.stdout.take().expect("standard output is piped");
        for line in BufReader::new(console).split(b'\n') {
            let line = line.context("failed to read the guest's console")?;
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end();
            writeln!(log_file, "{line}").with_context(|| log.display().to_string())?;
            heard(line);
        }
        guest.wait().context("failed to wait for the emulator")
    }

    fn command(&self) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--signal", "KILL", &self.seconds_max.to_string(), self.program]);
        command.args(self.hardware);
        command.args(["-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio"]);
        command.arg("-kernel").arg(self.kernel).arg("-initrd").arg(self.initramfs);
        command.arg("-append").arg(format!("quiet panic=-1 mitigations=off {}", self.parameters));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command
    }
}
