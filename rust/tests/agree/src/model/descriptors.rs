//! Calls on descriptors as such.

use rustix::io::Errno;

use super::processes::Slot;
use super::{
    Call, Flags, IDS_MAX, Id, Line, Model, Object, Open, Other, Pipe, Refusal, Returned, Task, Word,
};

/// Descriptors that a script names by number are below this; the actor's own are far above.
const NUMBER_MAX: i64 = 60;

impl Model {
    pub(super) fn perform_on_descriptors(&mut self, line: &Line) -> Result<Call<Returned>, Other> {
        use Word::{Made, Number, Options};
        let task = line.task;
        Ok(match (line.call.as_str(), &line.words[..]) {
            ("close", [Made(fd)]) => self.close(task, *fd),
            ("close_range", [Number(first), Number(last), Options(flags)]) => {
                self.close_range(task, *first, *last, *flags)
            }
            ("dup", [Made(fd)]) => self.duplicate(line, *fd, 0, Flags::NONE),
            ("fcntl_dup", [Made(fd), Number(least), Options(flags)]) => {
                self.duplicate(line, *fd, *least, *flags)
            }
            ("dup2", [Made(fd), Number(to)]) => self.duplicate_to(line, *fd, *to, false),
            ("dup3", [Made(fd), Number(to)]) => self.duplicate_to(line, *fd, *to, true),
            ("set_cloexec", [Made(fd), Number(is_on)]) => self.set_cloexec(task, *fd, *is_on != 0),
            ("pipe", []) => self.make_pipe(line),
            ("reopen", [Made(fd), Options(flags)]) => self.reopen(line, *fd, *flags),
            ("fchdir", [Made(fd)]) => self.fchdir(task, *fd),
            ("send", [Made(fd)]) => self.send(task, *fd),
            ("receive", [Options(flags)]) => self.receive(line, *flags),
            ("get_fd", [Number(other), Made(fd)]) => self.get_fd(line, *other, *fd),
            _ => return self.perform_on_bytes(line),
        })
    }

    /// Returns the number that a line has made in the task's process, if it is open.
    fn number(&self, task: Task, id: Id) -> Call<i32> {
        let process = self.process(task);
        let number = process.registers.get(&id).copied().filter(|number| process.table.contains_key(number));
        number.ok_or(Refusal::Failed(Errno::BADF))
    }

    pub(super) fn open_index(&self, task: Task, id: Id) -> Call<usize> {
        let number = self.number(task, id)?;
        Ok(self.process(task).table[&number].open)
    }

    pub(super) fn open_of(&self, task: Task, id: Id) -> Call<&Open> {
        Ok(&self.opens[self.open_index(task, id)?])
    }

    /// Puts an open file under the lowest number that is free.
    fn install(&mut self, task: Task, open: usize, is_cloexec: bool, least: i32) -> i32 {
        let table = &mut self.process_mut(task).table;
        let number = (least..).find(|number| !table.contains_key(number)).unwrap_or(least);
        table.insert(number, Slot { open, is_cloexec });
        number
    }

    fn remember(&mut self, line: &Line, number: i32) {
        self.process_mut(line.task).registers.insert(line.id, number);
    }

    /// Gives a line what it has opened, or the knowledge that it has not.
    pub(super) fn make_descriptor(
        &mut self,
        line: &Line,
        is_cloexec: bool,
        outcome: Call<Open>,
    ) -> Call<Returned> {
        match outcome {
            Ok(open) => {
                self.opens.push(open);
                let number = self.install(line.task, self.opens.len() - 1, is_cloexec, 0);
                self.remember(line, number);
                Ok(Returned::value(number.into()))
            }
            Err(refusal) => {
                self.remember(line, -1);
                Err(refusal)
            }
        }
    }

    /// Gives a line a number, or the knowledge that it has none.
    fn give(&mut self, line: &Line, outcome: Call<i32>) -> Call<Returned> {
        self.remember(line, outcome.unwrap_or(-1));
        outcome.map(|number| Returned::value(number.into()))
    }

    fn close(&mut self, task: Task, fd: Id) -> Call<Returned> {
        let number = self.number(task, fd)?;
        self.process_mut(task).table.remove(&number);
        Ok(Returned::default())
    }

    fn close_range(&mut self, task: Task, first: i64, last: i64, flags: Flags) -> Call<Returned> {
        if last < first {
            return Err(Errno::INVAL.into());
        }
        if last >= NUMBER_MAX {
            return Err(Refusal::Unmodelled);
        }
        let is_within = |number: &i32| (first..=last).contains(&i64::from(*number));
        let table = &mut self.process_mut(task).table;
        if flags.has(Flags::CLOEXEC) {
            table
                .iter_mut()
                .filter(|(number, _)| is_within(number))
                .for_each(|(_, slot)| slot.is_cloexec = true);
        } else {
            table.retain(|number, _| !is_within(number));
        }
        Ok(Returned::default())
    }

    fn duplicate(&mut self, line: &Line, fd: Id, least: i64, flags: Flags) -> Call<Returned> {
        let least = i32::try_from(least).ok().filter(|least| i64::from(*least) < NUMBER_MAX);
        let least = least.ok_or(Refusal::Unmodelled)?;
        let open = self.open_index(line.task, fd);
        let number = open.map(|open| self.install(line.task, open, flags.has(Flags::CLOEXEC), least));
        self.give(line, number)
    }

    fn duplicate_to(&mut self, line: &Line, fd: Id, to: i64, is_cloexec: bool) -> Call<Returned> {
        let to =
            i32::try_from(to).ok().filter(|to| i64::from(*to) < NUMBER_MAX).ok_or(Refusal::Unmodelled)?;
        let number = self.number(line.task, fd);
        // dup3 looks at that first (dup(2)), whether it is open or not.
        let registered = self.process(line.task).registers.get(&fd).copied();
        if is_cloexec && registered == Some(to) {
            return self.give(line, Err(Errno::INVAL.into()));
        }
        let outcome = number.map(|number| {
            let table = &mut self.process_mut(line.task).table;
            if number != to {
                let open = table[&number].open;
                table.insert(to, Slot { open, is_cloexec });
            }
            to
        });
        self.give(line, outcome)
    }

    fn set_cloexec(&mut self, task: Task, fd: Id, is_on: bool) -> Call<Returned> {
        let number = self.number(task, fd)?;
        if let Some(slot) = self.process_mut(task).table.get_mut(&number) {
            slot.is_cloexec = is_on;
        }
        Ok(Returned::default())
    }

    fn make_pipe(&mut self, line: &Line) -> Call<Returned> {
        self.pipes.push(Pipe::default());
        let pipe = self.pipes.len() - 1;
        for writes in [false, true] {
            let object = Object::PipeEnd { pipe, writes };
            self.opens.push(Open {
                object,
                offset: 0,
                reads: !writes,
                writes,
                appends: false,
                is_path: false,
            });
            let number = self.install(line.task, self.opens.len() - 1, false, 0);
            let id = if writes { line.id + IDS_MAX } else { line.id };
            self.process_mut(line.task).registers.insert(id, number);
        }
        Ok(Returned::default())
    }

    /// Opens what a descriptor refers to again, by its name in `/proc/self/fd`.
    fn reopen(&mut self, line: &Line, fd: Id, flags: Flags) -> Call<Returned> {
        let unknown = [Flags::CREAT, Flags::NOFOLLOW, Flags::TMPFILE, Flags::EXCL];
        if unknown.into_iter().any(|flag| flags.has(flag)) {
            return Err(Refusal::Unmodelled);
        }
        let outcome = match self.open_of(line.task, fd).map(|open| open.object) {
            Err(_) => Err(Errno::NOENT.into()),
            Ok(Object::File(dentry)) => self.open_existing(line.task, dentry, flags),
            Ok(Object::Directory(_) | Object::Symlink(_) | Object::PipeEnd { .. } | Object::Outside) => {
                return Err(Refusal::Unmodelled);
            }
        };
        self.make_descriptor(line, flags.has(Flags::CLOEXEC), outcome)
    }

    fn fchdir(&mut self, task: Task, fd: Id) -> Call<Returned> {
        let directory = match self.open_of(task, fd)?.object {
            Object::Directory(directory) => directory,
            Object::File(_) | Object::Symlink(_) | Object::PipeEnd { .. } => return Err(Errno::NOTDIR.into()),
            Object::Outside => return Err(Refusal::Unmodelled),
        };
        self.process_mut(task).cwd = directory;
        Ok(Returned::default())
    }

    fn send(&mut self, task: Task, fd: Id) -> Call<Returned> {
        let open = self.open_index(task, fd).or(Err(Refusal::Unmodelled))?;
        self.sent.push_back(open);
        Ok(Returned::default())
    }

    fn receive(&mut self, line: &Line, flags: Flags) -> Call<Returned> {
        let open = self.sent.pop_front().ok_or(Refusal::Unmodelled)?;
        let number = self.install(line.task, open, flags.has(Flags::CLOEXEC), 0);
        self.give(line, Ok(number))
    }

    /// Takes a descriptor of another process; for a moment, there is one for that process, too.
    fn get_fd(&mut self, line: &Line, other: i64, fd: Id) -> Call<Returned> {
        let other = Task::try_from(other).ok().filter(|other| self.is_alive(*other));
        let other = other.filter(|_| self.machine.is_root).ok_or(Refusal::Unmodelled)?;
        let open = self.open_index(other, fd).or(Err(Refusal::Unmodelled))?;
        let handle = self.install(line.task, 0, true, 0);
        let number = self.install(line.task, open, true, 0);
        self.process_mut(line.task).table.remove(&handle);
        self.give(line, Ok(number))
    }
}
