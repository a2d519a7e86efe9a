//! From what the kernel side tells to events.

mod lookups;
mod programs;

use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use rustc_hash::FxHashMap;
use tracer_ebpf_abi::{
    AS_GIVEN, COLD, CREATED, CUT, Head, Kind, LATE, NAMELESS, RING, Slot, UNCOUNTED, UNKNOWN, WRITABLE, X32,
    victim,
};
use tracer_host::file_systems::is_view;
use tracer_host::{Recorder, stamp_of};
use tracer_schema::{EventFlags, EventKind, FileStamp, GapKind, TraceEvent};
use tracer_syscalls::constants::{
    AT_SYMLINK_FOLLOW, FALLOC_FL_KEEP_SIZE, MAP_ANONYMOUS, MAP_SHARED, O_CREAT, O_TMPFILE, O_TRUNC,
    PROT_READ, PROT_WRITE, RENAME_EXCHANGE,
};
use tracer_syscalls::{Effect, ROWS};

use self::programs::follow;
use crate::actions::{call_of, tested_argument};

/// Magic number of ramfs (include/uapi/linux/magic.h).
const RAMFS_MAGIC: i64 = 0x8584_58f6;

/// What the kernel side tells of once it is done, with the file as it is then.
const CHANGES: [EventKind; 4] = [EventKind::Open, EventKind::Write, EventKind::Truncate, EventKind::Allocate];

/// Turns what is in the ring into events.
pub(crate) struct Collector {
    pub(crate) recorder: Recorder,
    /// CLOCK_MONOTONIC at the recorder's beginning.
    start_ns: u64,
    /// Processes that have not ended, and their programs.
    running: FxHashMap<u32, Vec<u8>>,
    /// Mappings that may become writable, by memory.
    mappings: FxHashMap<u64, Vec<Mapping>>,
    /// Calls on paths that are under way: by thread, those of io_urings by request.
    pending: FxHashMap<u64, Pending>,
    /// What such a call changes, as its file system tells.
    victims: FxHashMap<u64, Vec<Victim>>,
    /// Scripts by way of which threads execute programs.
    scripts: FxHashMap<u32, Named>,
    /// Programs that threads have executed, with their paths, until it is told who has loaded them.
    executed: FxHashMap<u32, (Vec<u8>, FileStamp)>,
    dev_dir: u64,
    finds: Finds,
    /// Where the kernel sees the root directory of this process, once that is known; empty where it is the root of all.
    root: Option<Vec<u8>>,
}

/// A shared mapping that was not writable, of a file that was opened for writing.
#[derive(Clone, Copy)]
struct Mapping {
    start: u64,
    end: u64,
    /// What is told when it becomes writable.
    event: TraceEvent,
}

/// What a call on paths changes.
#[derive(Clone, Copy)]
struct Victim {
    stamp: FileStamp,
    /// It is known to be the one that loses its name.
    is_certain: bool,
    /// It has lost it already.
    has_changed: bool,
}

/// A call on paths that began.
#[derive(Default)]
struct Pending {
    number: u64,
    first: Named,
    second: Option<Named>,
}

/// What a path named before a call, or after it.
#[derive(Clone, Debug, Default)]
struct Named {
    path: Vec<u8>,
    /// Empty where there is no file.
    stamp: FileStamp,
    magic: i64,
    /// Whether that is known.
    is_known: bool,
    /// Whether the path is of a file that has lost it.
    is_nameless: bool,
}

/// Of which file systems it is known what a call removes or replaces, if the kernel had no entry of it in memory.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Finds {
    /// ext4 tells of it.
    pub(crate) ext4: bool,
    /// The kernel does, of all of them.
    pub(crate) all: bool,
}

impl Finds {
    fn sees(self, magic: i64) -> bool {
        // Those that live in memory have entries of all that they have.
        self.all
            || matches!(magic, libc::TMPFS_MAGIC | RAMFS_MAGIC)
            || (self.ext4 && magic == libc::EXT4_SUPER_MAGIC)
    }
}

/// An event with its texts.
pub(crate) struct Told<'a> {
    pub(crate) head: Head,
    texts: [&'a [u8]; 2],
}

impl<'a> Told<'a> {
    /// Takes an event out of the ring apart; `None` if it is none.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(size_of::<Head>())?;
        // SAFETY: plain numbers, of which every value is valid.
        let head = unsafe { head.as_ptr().cast::<Head>().read_unaligned() };
        let (first, rest) = rest.split_at_checked(head.lens[0] as usize)?;
        let second = rest.get(..head.lens[1] as usize)?;
        Some(Self { head, texts: [first, second] })
    }
}

/// Returns the path of a list of names, the last first.
fn path_of(names: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(names.len() + 1);
    for name in names.split(|byte| *byte == 0).rev().filter(|name| !name.is_empty()) {
        path.push(b'/');
        path.extend_from_slice(name);
    }
    if path.is_empty() { b"/".to_vec() } else { path }
}

/// Returns a device number as stat(2) has it.
fn device(within: u64) -> u64 {
    libc::makedev((within >> 20) as u32, (within & 0xf_ffff) as u32)
}

impl Collector {
    pub(crate) fn new(recorder: Recorder, finds: Finds) -> Self {
        let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a valid place.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
        let monotonic = now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64;
        let start_ns = monotonic.saturating_sub(recorder.now_ns());
        let dev_dir = std::fs::metadata("/dev").map_or(0, |found| stamp_of(&found).dev);
        Self {
            recorder,
            start_ns,
            running: FxHashMap::default(),
            mappings: FxHashMap::default(),
            pending: FxHashMap::default(),
            victims: FxHashMap::default(),
            scripts: FxHashMap::default(),
            executed: FxHashMap::default(),
            dev_dir,
            finds,
            root: None,
        }
    }

    /// Returns whether it is known where the kernel sees the root directory of this process.
    pub(crate) fn has_root(&self) -> bool {
        self.root.is_some()
    }

    /// Finds that out from the first directory that is told, which is `cwd` as this process sees it. The kernel side goes up to the root of the
    /// mount namespace, and roar may have been started below another one (chroot(2)).
    pub(crate) fn find_root(&mut self, told: &Told<'_>, cwd: &[u8]) -> bool {
        if told.head.kind != Kind::Directory as u16 {
            return false;
        }
        let seen = path_of(told.texts[0]);
        let below = if cwd == b"/" { &b""[..] } else { cwd };
        let root = if seen == b"/" { Some(&b""[..]) } else { seen.strip_suffix(below) };
        if root.is_none() {
            let words = "the root directory of roar is another than the one of the machine, and where it is could not be found out";
            self.recorder.tell_gap(GapKind::UnresolvedPath, told.head.pid, Some(&seen), words);
        }
        self.root = Some(root.unwrap_or_default().to_vec());
        true
    }

    /// Returns the path of a list of names as this process sees it.
    fn path_of(&self, names: &[u8]) -> Vec<u8> {
        let path = path_of(names);
        let below = self.root.as_ref().and_then(|root| path.strip_prefix(&root[..]));
        match below {
            Some(b"") => b"/".to_vec(),
            Some(below) if below.starts_with(b"/") => below.to_vec(),
            // Outside of that root, where no path of this process leads.
            Some(_) | None => path,
        }
    }

    /// The processes that have not ended.
    pub(crate) fn running(&self) -> Vec<(u32, Vec<u8>)> {
        let mut running: Vec<_> = self.running.iter().map(|(pid, program)| (*pid, program.clone())).collect();
        running.sort_unstable();
        running
    }

    pub(crate) fn begin(&mut self, root: u32, cwd: &[u8], command: &[u8]) {
        self.recorder.tell_start(root, cwd, command);
        self.running.insert(root, Vec::new());
    }

    /// Tells how the files are that the command begins with: what is told of a write is how a file is afterwards.
    pub(crate) fn begin_with(&mut self, root: u32, files: Vec<(Vec<u8>, FileStamp)>) {
        for (path, stamp) in files {
            let mut event = self.recorder.event(EventKind::Seen, root, root);
            event.stamp = stamp;
            event.text = self.recorder.text(&path);
            self.recorder.tell(&event);
        }
    }

    fn event(&self, kind: EventKind, head: &Head) -> TraceEvent {
        TraceEvent::new(kind, head.time_ns.saturating_sub(self.start_ns), head.pid, head.tid)
    }

    /// Returns the event about a file, unless it is none of interest.
    fn about(&mut self, kind: EventKind, told: &Told<'_>) -> Option<TraceEvent> {
        let head = &told.head;
        let mut event = self.event(kind, head);
        event.stamp = stamp(head);
        if CHANGES.contains(&kind) {
            event.flags = EventFlags::AFTERWARDS;
        }
        let path = self.path_of(told.texts[0]);
        if !event.stamp.is_regular() || is_view(head.magic as i64, event.stamp.dev == self.dev_dir, &path) {
            return None;
        }
        if head.flags & NAMELESS != 0 {
            event.flags = event.flags.with(EventFlags::NAMELESS);
        } else {
            event.text = self.recorder.text(&path);
        }
        Some(event)
    }

    fn pending_of(&mut self, head: &Head) -> Option<&mut Pending> {
        self.pending.get_mut(&key_of(head)).filter(|pending| pending.number == head.value)
    }

    /// Takes what the kernel side tells.
    pub(crate) fn take(&mut self, told: &Told<'_>) {
        let head = told.head;
        let Some(kind) = Kind::from_number(head.kind) else {
            self.recorder.tell_gap(
                GapKind::EventsLost,
                head.pid,
                None,
                "the kernel side told something unknown",
            );
            return;
        };
        match kind {
            Kind::Open => self.open(told),
            Kind::Read => self.transfer(EventKind::Read, told),
            Kind::Write => self.transfer(EventKind::Write, told),
            Kind::MoreRead => self.more(EventKind::Read, &head),
            Kind::MoreWrite => self.more(EventKind::Write, &head),
            Kind::Map => self.mapped(told),
            Kind::Truncate => self.transfer(EventKind::Truncate, told),
            // Blocks alone change nothing that can be read.
            Kind::Allocate if head.value == u64::from(FALLOC_FL_KEEP_SIZE) => {}
            Kind::Allocate => self.tell(EventKind::Allocate, told),
            Kind::Fork => {
                let mut event = self.event(EventKind::Fork, &head);
                event.value = head.value;
                let program = self.running.get(&head.pid).cloned().unwrap_or_default();
                self.running.insert(head.value as u32, program);
                self.recorder.tell(&event);
                if head.memory != head.value2
                    && let Some(mappings) = self.mappings.get(&head.memory).cloned()
                {
                    self.mappings.insert(head.value2, mappings);
                }
            }
            Kind::Exec => self.exec(told),
            Kind::Directory => {
                let mut event = self.event(EventKind::Directory, &head);
                event.text = self.recorder.text(&self.path_of(told.texts[0]));
                self.recorder.tell(&event);
            }
            Kind::Exit => {
                self.running.remove(&head.pid);
                let mut event = self.event(EventKind::Exit, &head);
                event.value = head.value;
                self.recorder.tell(&event);
            }
            Kind::Before => {
                let first = self.named(told);
                if head.flags & LATE != 0
                    && let Some(pending) = self.pending_of(&head)
                {
                    if !pending.first.is_known {
                        pending.first = first;
                    }
                    return;
                }
                // Those of a call that has failed.
                if head.flags & LATE == 0 {
                    self.victims.remove(&key_of(&head));
                }
                let pending = Pending { number: head.value, first, second: None };
                self.pending.insert(key_of(&head), pending);
            }
            Kind::BeforeSecond => {
                let second = self.named(told);
                if let Some(pending) = self.pending_of(&head) {
                    pending.second = Some(second);
                }
            }
            Kind::Victim => self.victims.entry(key_of(&head)).or_default().push(Victim {
                stamp: stamp(&head),
                is_certain: head.value & victim::CERTAIN != 0,
                has_changed: head.value & victim::CHANGED != 0,
            }),
            Kind::Script => {
                // One that was not found is looked for once it is known from where: links are followed.
                let script = if head.flags & AS_GIVEN == 0 {
                    self.named(told)
                } else {
                    Named { path: self.given_path(told), ..Named::default() }
                };
                self.scripts.insert(head.tid, script);
            }
            Kind::Loader => self.loader(told),
            Kind::Listed => self.listed(told),
            Kind::Absent => self.absent(told),
            Kind::Failed => {
                self.pending.remove(&key_of(&head));
            }
            Kind::After => {
                let pending =
                    self.pending.remove(&key_of(&head)).filter(|pending| pending.number == head.value);
                let victims = self.victims.remove(&key_of(&head)).unwrap_or_default();
                // A call that a filter answers in the kernel's place (seccomp(2)) has not begun.
                if pending.is_some() || !destroys(head.value) {
                    self.after(told, pending.unwrap_or_default(), &victims);
                }
            }
            Kind::Unfollowed if head.value == X32 => {
                let words = "a call of the x32 ABI: what it did was not seen";
                self.recorder.tell_gap(GapKind::UndecodedCall, head.pid, None, words);
            }
            Kind::Unfollowed if head.value == RING => {
                let words = "names were changed by way of an io_uring: which was not seen";
                self.recorder.tell_gap(GapKind::IoUring, head.pid, None, words);
            }
            Kind::Unfollowed if matches!(effect_of(head.value), Some(Effect::RingSetup { .. })) => {
                let words = "an io_uring: this kernel does not tell what is done by way of it";
                self.recorder.tell_gap(GapKind::IoUring, head.pid, None, words);
            }
            // SECCOMP_FILTER_FLAG_NEW_LISTENER.
            Kind::Unfollowed if head.value2 & 8 != 0 => {
                let words = "a supervisor answers system calls before they are made (seccomp): what it does for them was not seen";
                self.recorder.tell_gap(GapKind::SeccompListener, head.pid, None, words);
            }
            Kind::Unfollowed => {}
            Kind::Protect => self.protected(&head),
            Kind::Unmap => self.unmapped(&head),
            Kind::Move => {
                for mapping in self.mappings.get_mut(&head.memory).into_iter().flatten() {
                    if mapping.start == head.value2 {
                        // As long as it was: what it has grown by is of the same file.
                        let bytes = mapping.end - mapping.start;
                        (mapping.start, mapping.end) = (head.value, head.value + bytes);
                    }
                }
            }
        }
    }

    fn tell(&mut self, kind: EventKind, told: &Told<'_>) {
        if let Some(event) = self.about(kind, told) {
            self.recorder.tell(&event);
        }
    }

    fn transfer(&mut self, kind: EventKind, told: &Told<'_>) {
        if let Some(mut event) = self.about(kind, told) {
            if told.head.value == UNCOUNTED {
                event.flags = event.flags.with(EventFlags::UNCOUNTED);
            } else {
                event.value = told.head.value;
            }
            self.recorder.tell(&event);
        }
    }

    fn more(&mut self, kind: EventKind, head: &Head) {
        let mut event = self.event(kind, head);
        event.flags = EventFlags::MORE;
        event.value = head.value;
        event.stamp = FileStamp { dev: device(head.stamp.dev), ino: head.stamp.ino, ..FileStamp::default() };
        self.recorder.tell(&event);
    }

    /// What a slot has counted and nobody told.
    pub(crate) fn left(&mut self, slot: &Slot) {
        for (kind, bytes) in [(EventKind::Read, slot.bytes[0]), (EventKind::Write, slot.bytes[1])] {
            if bytes != 0 {
                let stamp = tracer_ebpf_abi::Stamp { dev: slot.dev, ino: slot.ino, ..Default::default() };
                let head = Head { pid: slot.tag as u32, value: bytes, stamp, ..Head::default() };
                self.more(kind, &head);
            }
        }
    }

    fn open(&mut self, told: &Told<'_>) {
        let head = told.head;
        // Opened for writing, and not changed by that: what is told of a write is how the file is afterwards, so this is what it was before.
        let kind =
            if head.value & (O_CREAT | O_TRUNC | O_TMPFILE) == 0 { EventKind::Seen } else { EventKind::Open };
        let Some(mut event) = self.about(kind, told) else { return };
        event.value = head.value;
        let is_made = head.flags & CREATED != 0 || head.value & O_TMPFILE != 0;
        if !is_made {
            event.flags = event.flags.with(EventFlags::EXISTED);
        }
        self.recorder.tell(&event);
    }

    fn mapped(&mut self, told: &Told<'_>) {
        let (prot, flags) = (told.head.value & 0xffff_ffff, told.head.value >> 32);
        if flags & MAP_ANONYMOUS != 0 {
            return;
        }
        let is_written = flags & MAP_SHARED != 0 && prot & PROT_WRITE != 0;
        if !is_written || prot & PROT_READ != 0 {
            self.tell(EventKind::MapRead, told);
        }
        if is_written {
            self.tell(EventKind::MapWrite, told);
        } else if flags & MAP_SHARED != 0
            && told.head.flags & WRITABLE != 0
            && let Some(event) = self.about(EventKind::MapWrite, told)
        {
            // By whatever name it has then: this one may be another file's.
            let event = TraceEvent { flags: event.flags.with(EventFlags::NAMELESS), ..event };
            let start = told.head.value2;
            let mapping = Mapping { start, end: start + told.head.bytes, event };
            self.mappings.entry(told.head.memory).or_default().push(mapping);
        }
    }

    /// Memory was made writable.
    fn protected(&mut self, head: &Head) {
        let (start, end) = (head.value2, head.value2.saturating_add(head.value));
        let mappings = self.mappings.get(&head.memory).into_iter().flatten();
        let found = mappings.filter(|mapping| mapping.start < end && start < mapping.end);
        let events: Vec<TraceEvent> = found.map(|mapping| mapping.event).collect();
        for mut event in events {
            let now = self.event(EventKind::MapWrite, head);
            (event.time_ns, event.pid, event.tid) = (now.time_ns, now.pid, now.tid);
            self.recorder.tell(&event);
        }
    }

    /// Memory was given back: what is left of each mapping is what is before and behind it.
    fn unmapped(&mut self, head: &Head) {
        let (start, end) = (head.value2, head.value2.saturating_add(head.value));
        if let Some(mappings) = self.mappings.get_mut(&head.memory) {
            *mappings = mappings
                .iter()
                .flat_map(|mapping| {
                    let before = Mapping { end: mapping.end.min(start), ..*mapping };
                    let behind = Mapping { start: mapping.start.max(end), ..*mapping };
                    [before, behind]
                })
                .filter(|mapping| mapping.start < mapping.end)
                .collect();
        }
    }

    /// Returns what a path names.
    fn named(&self, told: &Told<'_>) -> Named {
        let head = &told.head;
        if head.flags & UNKNOWN != 0 && head.flags & AS_GIVEN == 0 {
            return Named::default();
        }
        if head.flags & AS_GIVEN == 0 {
            return Named {
                path: self.path_of(told.texts[0]),
                stamp: stamp(head),
                magic: head.magic as i64,
                is_known: head.flags & (CUT | LATE) == 0
                    && (head.flags & COLD == 0 || self.finds.sees(head.magic as i64)),
                is_nameless: head.flags & NAMELESS != 0,
            };
        }
        let whole = self.given_path(told);
        let path = Path::new(OsStr::from_bytes(&whole));
        // Its directory is as the kernel finds it, unless somebody has changed a link on the way since.
        let path = match (path.parent().and_then(|parent| parent.canonicalize().ok()), path.file_name()) {
            (Some(parent), Some(name)) => parent.join(name),
            _ => path.to_owned(),
        };
        let stamp = path.symlink_metadata().map(|found| stamp_of(&found)).unwrap_or_default();
        Named { path: path.into_os_string().into_vec(), stamp, ..Named::default() }
    }

    /// Returns a path that was given, behind the directory that it starts from.
    fn given_path(&self, told: &Told<'_>) -> Vec<u8> {
        let given = told.texts[0].split(|byte| *byte == 0).next().unwrap_or_default();
        let given = &seen_from_here(given, told.head.pid, told.head.tid)[..];
        if given.starts_with(b"/") {
            given.to_vec()
        } else {
            [&self.path_of(told.texts[1])[..], b"/", given].concat()
        }
    }

    /// A call on paths was made.
    fn after(&mut self, told: &Told<'_>, pending: Pending, victims: &[Victim]) {
        let extra = told.head.value2;
        let (kind, number) = call_of(told.head.value);
        let Some(row) = tracer_syscalls::lookup(kind, number).map(|at| &ROWS[at]) else { return };
        let mut arguments = [0; 6];
        if let Some(tested) = arguments.get_mut(usize::from(tested_argument(&row.when))) {
            *tested = extra;
        }
        if !row.when.holds(&arguments) {
            return;
        }
        let mut now = self.named(told);
        let head = told.head;
        let Pending { first, second, .. } = pending;
        if now.path.len() <= 1 {
            // What a request of an io_uring was about.
            now.path.clone_from(&second.as_ref().unwrap_or(&first).path);
        }
        match row.effect {
            Effect::Unlink { .. } if !first.is_known || !first.stamp.is_some() => match victims.first() {
                Some(victim) => {
                    let first = Named { stamp: victim.stamp, ..first };
                    self.tell_named(EventKind::Unlink, &head, &first, None);
                }
                None => self.unknown(&head, &first.path),
            },
            Effect::Unlink { .. } => self.tell_named(EventKind::Unlink, &head, &first, None),
            Effect::Truncate { .. } => {
                if let Some(mut event) = self.named_event(EventKind::Truncate, &head, &now) {
                    event.value = extra;
                    self.recorder.tell(&event);
                }
            }
            Effect::Symlink { .. } => self.tell_new(EventKind::Symlink, &head, &now),
            Effect::Mknod { .. } => self.tell_new(EventKind::Create, &head, &now),
            Effect::Link { .. } => {
                // Not every file system has an entry of the new name in memory by then (overlayfs): it is a name of the first file.
                if !now.stamp.is_some() && first.stamp.is_some() {
                    now.stamp = FileStamp { nlink: first.stamp.nlink + 1, ..first.stamp };
                }
                if !now.stamp.is_some() {
                    self.unknown_new(&head, &now.path);
                }
                // By descriptor: the name is the one that its file was opened by, as far as that is still one.
                let is_unknown = first.path.len() <= 1 || first.path.starts_with(b"/proc/");
                let is_nameless = first.is_nameless || is_unknown;
                let Some(mut event) = self.named_event(EventKind::Link, &head, &now) else { return };
                event.text2 = event.text;
                let is_followed = extra & AT_SYMLINK_FOLLOW != 0 && first.stamp.is_symlink();
                let first = if is_followed { follow(b"/", &first.path).unwrap_or(first) } else { first };
                if is_nameless {
                    event.flags = event.flags.with(EventFlags::NAMELESS);
                } else {
                    event.text = self.recorder.text(&first.path);
                }
                self.recorder.tell(&event);
            }
            Effect::Rename { .. } => self.renamed(&head, first, second, now, victims, extra),
            // Calls without a path of their own, and opens, which are told of as such.
            Effect::Open { .. }
            | Effect::Read { .. }
            | Effect::List { .. }
            | Effect::Look { .. }
            | Effect::Write { .. }
            | Effect::Copy { .. }
            | Effect::CloneUntraced { .. }
            | Effect::Clone3 { .. }
            | Effect::Clone { .. }
            | Effect::OpenHandle { .. }
            | Effect::Map { .. }
            | Effect::MapIndirect { .. }
            | Effect::Protect { .. }
            | Effect::TruncateFd { .. }
            | Effect::Allocate { .. }
            | Effect::AioSubmit { .. }
            | Effect::RingSetup { .. }
            | Effect::RingEnter { .. }
            | Effect::RingRegister { .. }
            | Effect::Namespace
            | Effect::SeccompListener => {}
        }
    }

    fn renamed(
        &mut self,
        head: &Head,
        first: Named,
        second: Option<Named>,
        now: Named,
        victims: &[Victim],
        flags: u64,
    ) {
        let mut second = second.unwrap_or_default();
        if second.path.is_empty() {
            second.path.clone_from(&now.path);
        }
        let is_exchange = flags & RENAME_EXCHANGE != 0;
        let is_moved = |stamp: &FileStamp| stamp.is_same_file(&now.stamp);
        // What is found under the new name when the call is over is what was moved.
        if !second.is_known && is_moved(&second.stamp) {
            second.stamp = FileStamp::default();
        }
        // The moved file is changed before the one that it replaces; links on the way, which have been read, before both.
        let moved = victims.iter().position(|victim| is_moved(&victim.stamp));
        let is_victim = |victim: &&Victim| victim.is_certain || moved.is_some() || victim.stamp.nlink == 0;
        if !second.stamp.is_some()
            && let Some(victim) =
                victims[moved.unwrap_or(0)..].iter().filter(|victim| !is_moved(&victim.stamp)).find(is_victim)
        {
            let lost = u32::from(!is_exchange && victim.has_changed);
            second.stamp = FileStamp { nlink: victim.stamp.nlink + lost, ..victim.stamp };
        } else if !second.is_known && !self.finds.sees(now.magic) {
            let words = "a file was given a new name, and whether it took the place of another is not known";
            self.recorder.tell_gap(GapKind::UnresolvedPath, head.pid, Some(&second.path), words);
        }
        if second.stamp.is_some() {
            self.tell_named(EventKind::Seen, head, &second, None);
        }
        let from =
            if first.is_known && first.stamp.is_some() { first } else { Named { path: first.path, ..now } };
        let mut event = self.event(EventKind::Rename, head);
        event.stamp = from.stamp;
        event.text = self.recorder.text(&from.path);
        event.text2 = self.recorder.text(&second.path);
        if is_exchange {
            event.flags = event.flags.with(EventFlags::EXCHANGE);
        }
        self.recorder.tell(&event);
    }

    fn unknown(&mut self, head: &Head, path: &[u8]) {
        let words = "a name was removed, and which file it was of is not known";
        self.recorder.tell_gap(GapKind::UnresolvedPath, head.pid, Some(path), words);
    }

    fn unknown_new(&mut self, head: &Head, path: &[u8]) {
        let words = "a name was made, and which file it is of is not known";
        self.recorder.tell_gap(GapKind::UnresolvedPath, head.pid, Some(path), words);
    }

    /// Tells of a file that was made with its name.
    fn tell_new(&mut self, kind: EventKind, head: &Head, made: &Named) {
        if made.stamp.is_some() {
            self.tell_named(kind, head, made, None);
        } else {
            self.unknown_new(head, &made.path);
        }
    }

    fn named_event(&mut self, kind: EventKind, head: &Head, named: &Named) -> Option<TraceEvent> {
        let is_subject = named.stamp.is_regular() || named.stamp.is_symlink();
        if !is_subject || is_view(named.magic, named.stamp.dev == self.dev_dir, &named.path) {
            return None;
        }
        let mut event = self.event(kind, head);
        event.stamp = named.stamp;
        if CHANGES.contains(&kind) {
            event.flags = EventFlags::AFTERWARDS;
        }
        if named.is_nameless {
            event.flags = event.flags.with(EventFlags::NAMELESS);
        } else {
            event.text = self.recorder.text(&named.path);
        }
        Some(event)
    }

    fn tell_named(&mut self, kind: EventKind, head: &Head, named: &Named, second: Option<&[u8]>) {
        if let Some(mut event) = self.named_event(kind, head, named) {
            if let Some(second) = second {
                event.text2 = self.recorder.text(second);
            }
            self.recorder.tell(&event);
        }
    }
}

/// Returns a path that a program gave, with its own links of /proc and of /dev put in words that mean the same to this process.
fn seen_from_here(given: &[u8], pid: u32, tid: u32) -> Vec<u8> {
    const OWN: &[(&[u8], &str)] = &[
        (b"/proc/self/", ""),
        (b"/dev/fd/", "fd/"),
        (b"/dev/stdin", "fd/0"),
        (b"/dev/stdout", "fd/1"),
        (b"/dev/stderr", "fd/2"),
    ];
    if let Some(rest) = given.strip_prefix(b"/proc/thread-self/") {
        return [format!("/proc/{pid}/task/{tid}/").as_bytes(), rest].concat();
    }
    for (prefix, below) in OWN {
        if let Some(rest) = given.strip_prefix(*prefix) {
            return [format!("/proc/{pid}/{below}").as_bytes(), rest].concat();
        }
    }
    given.to_vec()
}

/// Returns whether the beginning of a call is told of, by its place in the tables.
fn destroys(place: u64) -> bool {
    matches!(effect_of(place), Some(Effect::Unlink { .. } | Effect::Rename { .. }))
}

/// Returns what a call does, by its place in the tables.
fn effect_of(place: u64) -> Option<&'static Effect> {
    let (kind, number) = call_of(place);
    tracer_syscalls::lookup(kind, number).map(|at| &ROWS[at].effect)
}

/// Returns what a call on paths is known by.
fn key_of(head: &Head) -> u64 {
    if head.memory != 0 { head.memory } else { u64::from(head.tid) }
}

fn stamp(head: &Head) -> FileStamp {
    let tracer_ebpf_abi::Stamp { dev, ino, size, mtime_ns, ctime_ns, mode, nlink } = head.stamp;
    FileStamp { dev: device(dev), ino, size, mtime_ns, ctime_ns, mode, nlink }
}
