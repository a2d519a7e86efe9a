//! `cargo xtask counts`: how many instructions the eBPF tracer adds to a system call, on an emulated processor whose clock counts them. Seconds
//! depend on what else a machine does, and these numbers do not.

use std::slice;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use super::guest::{COUNTING, Guest};
use super::image::KERNELS;
use super::{NEEDED, payload};
use crate::flags::Flags;
use crate::initramfs::{Item, MTIME_BUILT};
use crate::{debian, workspace};

/// The kernel that is counted on.
const RELEASE: &str = "6.12";

/// How each line of the guest that is a number begins; `calls.c` prints them.
const COUNT: &str = "count: ";

/// The ways to run the calls, as `counts.sh` does.
const BARE: &str = "bare";
const MISS: &str = "miss";
const TOLD: &str = "told";

/// What may be added, in instructions: way, call, bound. A process that is not traced pays for the look-up alone, and a read that was told before for
/// the look-up of its descriptor as well; the third call makes three system calls.
const BOUNDS: &[(&str, &str, i64)] = &[
    (MISS, "getppid", 200),
    (MISS, "pread", 200),
    (MISS, "pwrite", 200),
    (MISS, "stat", 200),
    (MISS, "open+read+close", 600),
    (TOLD, "pread", 270),
];

/// A call in one way, and its instructions.
struct Count {
    way: String,
    call: String,
    instructions: i64,
}

pub(crate) fn run(flags: Flags) -> Result<()> {
    flags.finish()?;
    debian::require_programs(NEEDED)?;
    let shell = workspace::shell()?;
    let kernel = KERNELS.iter().find(|kernel| kernel.release == RELEASE).context("no such kernel")?;
    let image = kernel.fetch(&shell)?;
    workspace::build_programs(&shell)?;
    let initramfs = payload::write(
        &shell,
        "counts",
        slice::from_ref(&image),
        include_str!("counts.sh"),
        vec![compile(&shell)?],
    )?;
    let mut counts = Vec::new();
    let status =
        Guest { image: &image, initramfs: &initramfs, hardware: COUNTING }.boot(|line| {
            match parse(line) {
                Some(count) => counts.push(count),
                None => eprintln!("{line}"),
            }
        })?;
    ensure!(status == 0, "the guest ended with {status}");
    judge(&counts)
}

/// Builds the program that makes the calls.
fn compile(shell: &Shell) -> Result<Item> {
    let source = workspace::root().join("xtask/src/kernels/calls.c");
    let program = workspace::target("kernels/calls");
    cmd!(shell, "cc -O1 -static -Wall -Wextra -o {program} {source}").quiet().run()?;
    Ok(Item { path: "/calls".into(), from: program, mtime: MTIME_BUILT })
}

fn parse(line: &str) -> Option<Count> {
    let mut words = line.strip_prefix(COUNT)?.split(' ');
    let (way, call) = (words.next()?.to_owned(), words.next()?.to_owned());
    Some(Count { way, call, instructions: words.next()?.parse().ok()? })
}

/// Prints all counts, and fails where one is over its bound.
fn judge(counts: &[Count]) -> Result<()> {
    let find = |way: &str, call: &str| {
        let mut found = counts.iter().filter(|count| count.way == way && count.call == call);
        found.next().map(|count| count.instructions).with_context(|| format!("no count of {call}, {way}"))
    };
    println!("{:<16} {:>8} {:>14} {:>14}", "call", BARE, MISS, TOLD);
    let mut over = 0_u32;
    for Count { call, instructions: bare, .. } in counts.iter().filter(|count| count.way == BARE) {
        let mut cells = Vec::new();
        for way in [MISS, TOLD] {
            let added = find(way, call)? - bare;
            let bound = BOUNDS.iter().find(|(of, name, _)| *of == way && *name == call);
            cells.push(match bound {
                Some((.., bound)) if added > *bound => {
                    over += 1;
                    format!("+{added} > {bound}")
                }
                Some(_) | None => format!("+{added}"),
            });
        }
        println!("{call:<16} {bare:>8} {:>14} {:>14}", cells[0], cells[1]);
    }
    for (way, call, _) in BOUNDS {
        find(way, call)?;
    }
    ensure!(over == 0, "{over} counts are over their bounds");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Count, judge, parse};

    /// Counts of all calls, with `miss` for each that is made beside a traced process.
    fn counts(miss: i64) -> Vec<Count> {
        let calls = ["getppid", "pread", "pwrite", "stat", "open+read+close"];
        let ways = [("bare", 337), ("miss", miss), ("told", 600)];
        let lines =
            calls.iter().flat_map(|call| ways.map(|(way, count)| format!("count: {way} {call} {count}")));
        lines.map(|line| parse(&line).unwrap()).collect()
    }

    #[test]
    fn what_is_over_its_bound_fails_and_what_has_none_does_not() {
        assert!(judge(&counts(537)).is_ok());
        assert!(judge(&counts(538)).is_err());
    }

    #[test]
    fn a_count_that_is_missing_fails() {
        assert!(judge(&counts(337)[..14]).is_err());
        assert!(judge(&[]).is_err());
    }
}
