//! Processes, and what a backend tells of the run as a whole.

use super::{
    EventFlags, EventKind, GapKind, Machine, Performed, ROOT, Refused, Slot, Told, kernel, number, path,
};

impl Machine {
    pub(super) fn fork(&mut self, pid: &str, child: &str, flags: EventFlags) -> Performed {
        let (pid, child): (u32, u32) = (number(pid)?, number(child)?);
        if self.table_of.contains_key(&child) {
            return kernel("the id is in use");
        }
        self.table(pid)?;
        let table = self.table_of[&pid];
        if flags.has(EventFlags::SHARED_FILES) {
            self.table_of.insert(child, table);
        } else {
            self.tables.push(self.tables[table].clone());
            self.table_of.insert(child, self.tables.len() - 1);
        }
        self.tape.tell(&Told { flags, value: child.into(), ..Told::new(EventKind::Fork, pid) });
        Ok(())
    }

    fn close_all(&mut self, mut slots: Vec<Slot>) {
        slots.sort_by_key(|slot| slot.open);
        slots.dedup_by_key(|slot| slot.open);
        for slot in slots {
            self.release_open(Some(slot));
        }
    }

    pub(super) fn exec(&mut self, pid: &str, program: &str, arguments: &[&str]) -> Performed {
        let pid_number = number(pid)?;
        let at = self.at(pid_number, program)?;
        let own = self.table(pid_number)?.clone();
        let (closing, kept): (Vec<_>, Vec<_>) = own.into_iter().partition(|(_, slot)| slot.is_cloexec);
        let is_shared = self
            .table_of
            .iter()
            .any(|(other, table)| *other != pid_number && *table == self.table_of[&pid_number]);
        if is_shared {
            self.tables.push(kept.into_iter().collect());
            self.table_of.insert(pid_number, self.tables.len() - 1);
        } else {
            *self.table(pid_number)? = kept.into_iter().collect();
            self.close_all(closing.into_iter().map(|(_, slot)| slot).collect());
        }
        let joined: Vec<u8> =
            arguments.iter().flat_map(|argument| [argument.as_bytes(), b"\0"].concat()).collect();
        self.tape.tell(&Told {
            text: at.path.as_deref(),
            text2: (!joined.is_empty()).then_some(&joined[..]),
            ..Told::new(EventKind::Exec, pid_number)
        });
        self.effect(EventKind::Execute, pid, program, "0")
    }

    pub(super) fn directory(&mut self, pid: &str, at: &str) -> Performed {
        self.tape.tell(&Told { text: Some(&path(at)?), ..Told::new(EventKind::Directory, number(pid)?) });
        Ok(())
    }

    pub(super) fn exit(&mut self, pid: &str, status: &str) -> Performed {
        let pid = number(pid)?;
        self.table(pid)?;
        let Some(table) = self.table_of.remove(&pid) else {
            return kernel("ESRCH");
        };
        if !self.table_of.values().any(|other| *other == table) {
            let slots = std::mem::take(&mut self.tables[table]);
            self.close_all(slots.into_values().collect());
        }
        self.tape.tell(&Told { value: number(status)?, ..Told::new(EventKind::Exit, pid) });
        Ok(())
    }

    pub(super) fn end(&mut self, status: &str) -> Performed {
        self.tape.tell(&Told { value: number(status)?, ..Told::new(EventKind::End, ROOT) });
        Ok(())
    }

    pub(super) fn gap(&mut self, pid: &str, kind: &str, at: &str, words: &[&str]) -> Performed {
        let known = GapKind::ALL.iter().find(|known| known.name() == kind);
        let value = match known {
            Some(known) => *known as u64,
            None => number(kind)?,
        };
        let at = if at == "-" { None } else { Some(path(at)?) };
        self.tape.tell(&Told {
            value,
            text: at.as_deref(),
            text2: Some(words.join(" ").as_bytes()),
            ..Told::new(EventKind::Gap, number(pid)?)
        });
        Ok(())
    }

    pub(super) fn lost(&mut self, count: &str) -> Performed {
        let value2 = number(count).map_err(|_bad| Refused::Syntax("lost N".to_owned()))?;
        self.tape.tell(&Told {
            value: GapKind::EventsLost as u64,
            value2,
            text2: Some(b"the ring was full"),
            ..Told::new(EventKind::Gap, 0)
        });
        Ok(())
    }
}
