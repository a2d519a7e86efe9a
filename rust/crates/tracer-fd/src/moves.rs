//! Renamed directories: where a path below one was before, and where it is now.

use tracer_schema::Pid;

/// The renames of directories in a run, in order.
#[derive(Default)]
pub(crate) struct Moves(Vec<Move>);

struct Move {
    from: Box<[u8]>,
    to: Box<[u8]>,
    is_exchange: bool,
    pid: Pid,
}

/// Where a file was before the run, and how it left.
pub(crate) struct Origin {
    /// Its path then.
    pub(crate) path: Vec<u8>,
    /// Index of the first move that it was part of.
    pub(crate) first_move: usize,
    /// The processes that moved it.
    pub(crate) pids: Vec<Pid>,
}

/// Returns `path` with the directory `from` at its front replaced by `to`, or `None` if it is not below `from`.
pub(crate) fn rebase(path: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let rest = path.strip_prefix(from)?;
    if rest.first() != Some(&b'/') {
        return None;
    }
    Some([to, rest].concat())
}

impl Move {
    fn forward(&self, path: &[u8]) -> Option<Vec<u8>> {
        rebase(path, &self.from, &self.to)
            .or_else(|| if self.is_exchange { rebase(path, &self.to, &self.from) } else { None })
    }

    fn backward(&self, path: &[u8]) -> Option<Vec<u8>> {
        rebase(path, &self.to, &self.from)
            .or_else(|| if self.is_exchange { rebase(path, &self.from, &self.to) } else { None })
    }
}

impl Moves {
    /// Returns how many there were so far: a point in time to give to [`Self::since`].
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// Records that the directory `from` became `to`, and with `is_exchange` the other way round as well.
    pub(crate) fn push(&mut self, from: &[u8], to: &[u8], is_exchange: bool, pid: Pid) {
        self.0.push(Move { from: from.into(), to: to.into(), is_exchange, pid });
    }

    /// Returns where a path that is known to exist now was before the run, if it moved.
    pub(crate) fn origin(&self, path: &[u8]) -> Option<Origin> {
        let mut found: Option<Origin> = None;
        for (first_move, step) in self.0.iter().enumerate().rev() {
            let here = found.as_ref().map_or(path, |origin| &origin.path);
            if let Some(path) = step.backward(here) {
                let mut pids = found.map(|origin| origin.pids).unwrap_or_default();
                pids.push(step.pid);
                found = Some(Origin { path, first_move, pids });
            }
        }
        found
    }

    /// Returns where a path of an earlier time (`count` moves ago counted from the start) is now, if it moved.
    pub(crate) fn since(&self, count: usize, path: &[u8]) -> Option<Vec<u8>> {
        let mut at = None;
        for step in &self.0[count.min(self.0.len())..] {
            let here: &[u8] = at.as_deref().unwrap_or(path);
            if let Some(after) = step.forward(here) {
                at = Some(after);
            }
        }
        at
    }

    /// Returns the directories, as they are called now, whose files were moved with them: those to be listed.
    pub(crate) fn listings(&self) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        for (index, step) in self.0.iter().enumerate() {
            let ends: &[&[u8]] = if step.is_exchange { &[&step.to, &step.from] } else { &[&step.to] };
            for end in ends {
                // A directory moves with its parents and when it is itself renamed: ask for a path below it.
                let below = [end, &b"/."[..]].concat();
                let mut now = self.since(index + 1, &below).unwrap_or(below);
                now.truncate(now.len() - 2);
                found.push(now);
            }
        }
        found.sort();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(moves: &Moves, path: &[u8]) -> Option<Vec<u8>> {
        moves.origin(path).map(|origin| origin.path)
    }

    #[test]
    fn a_path_is_followed_back_through_two_renames() {
        let mut moves = Moves::default();
        moves.push(b"/a", b"/b", false, 100);
        moves.push(b"/b", b"/c", false, 100);
        assert_eq!(origin(&moves, b"/c/f").as_deref(), Some(&b"/a/f"[..]));
        assert_eq!(moves.since(0, b"/a/f").as_deref(), Some(&b"/c/f"[..]));
        assert_eq!(origin(&moves, b"/cc/f"), None);
        assert_eq!(moves.listings(), [b"/c"]);
    }

    #[test]
    fn an_exchange_goes_both_ways() {
        let mut moves = Moves::default();
        moves.push(b"/a", b"/b", true, 100);
        assert_eq!(origin(&moves, b"/a/f").as_deref(), Some(&b"/b/f"[..]));
        assert_eq!(origin(&moves, b"/b/f").as_deref(), Some(&b"/a/f"[..]));
    }
}
