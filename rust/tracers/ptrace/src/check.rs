//! Can this tracer be used here?

use std::io;
use std::process::ExitCode;

use tracer_host::preflight::{CheckArguments, Checklist, Fact, Machine, Target};

use crate::trace;

/// The oldest kernel that asks a seccomp filter before it stops for ptrace, and again afterwards (4.8), as the engine takes it.
const OLDEST_KERNEL: (u32, u32) = (4, 8);

/// What containers take to let ptrace through.
const CONTAINER: &str =
    "start the container with `--cap-add SYS_PTRACE` or a seccomp profile that allows ptrace";

/// Answers on standard output.
pub(crate) fn check(question: &CheckArguments, mask: &libc::sigset_t) -> ExitCode {
    let machine = Machine::read();
    let mut list = Checklist::begin(io::stdout(), "ptrace");
    list.tell(&machine.kernel_fact(OLDEST_KERNEL));
    list.tell(&machine.yama_fact());
    let others = [machine.traced_fact(), machine.filter_fact()];
    others.iter().flatten().for_each(|fact| list.tell(fact));
    let remedy = if machine.has_filter() { CONTAINER } else { "" };
    list.try_out(question, remedy, |arguments| trace(arguments, None, mask));
    list.target(question, judge);
    list.end()
}

/// A privileged program is seen, but it is not the program that it would be without.
fn judge(target: &Target) -> Fact {
    target.fact(
        !target.is_privileged,
        "one without privileges of its own: traced, it runs without them",
        "run this step without roar, roar as root, or use `--tracer ebpf`",
    )
}
