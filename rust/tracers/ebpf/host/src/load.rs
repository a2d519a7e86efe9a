//! The kernel side made of the object: its maps, and its programs.
//!
//! The verifier takes most of the time that it takes to start, and looks at a program with one processor: so programs are loaded by as
//! many threads as there are processors.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use aya_obj::Object;
use aya_obj::btf::BtfFeatures;
use aya_obj::generated::BPF_F_MMAPABLE;
use rustix::thread::sched_getaffinity;
use tracer_ebpf_abi::{Features, stand_in};

use crate::bpf::{self, Hook};
use crate::fit::{Functions, fit, number, place};

/// Most threads that load programs: more would have nothing to do.
const THREADS_MAX: usize = 4;

/// What could not be had, and why.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub(crate) struct Refused {
    what: String,
    pub(crate) source: io::Error,
}

impl Refused {
    pub(crate) fn new(what: &str, source: io::Error) -> Self {
        Self { what: what.to_owned(), source }
    }

    fn other(what: &str, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::new(what, io::Error::other(source))
    }
}

/// The object with its maps, those of constants left out, which are made when the constants are known.
pub(crate) struct Prepared {
    object: Object,
    types: OwnedFd,
    maps: HashMap<String, OwnedFd>,
}

/// Something that is to be seen, and the ways to see it, the best one first.
pub(crate) struct Part {
    pub(crate) ways: Vec<Way>,
    /// If none of them can be had, there is no run.
    pub(crate) is_needed: bool,
}

/// A program, and what it is attached to.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    pub(crate) program: &'static str,
    pub(crate) hook: Hook,
}

/// A program in the kernel, attached.
pub(crate) struct Loaded {
    pub(crate) name: &'static str,
    pub(crate) fd: OwnedFd,
    pub(crate) link: OwnedFd,
    /// How long the kernel looked at it.
    pub(crate) took: Duration,
}

/// Makes what there can be made without constants. `given`: maps that somebody else makes. `shared`: maps that are read through a mapping.
/// `idle`: maps that no program uses on this kernel, and which take next to no memory then.
pub(crate) fn prepare(
    object: &[u8],
    given: &[&str],
    shared: &[&str],
    idle: &[&str],
) -> Result<Prepared, Refused> {
    let mut object = Object::parse(object).map_err(|error| Refused::other("the object", error))?;
    let types = load_types(&mut object)?;
    let mut maps = HashMap::new();
    for (name, map) in &mut object.maps {
        if idle.contains(&name.as_str()) {
            make_idle(map);
        }
        let flags = if shared.contains(&name.as_str()) { BPF_F_MMAPABLE } else { 0 };
        if map.data().is_empty() && !given.contains(&name.as_str()) {
            maps.insert(name.clone(), make_map(name, map, flags, &types)?);
        }
    }
    Ok(Prepared { object, types, maps })
}

fn make_idle(map: &mut aya_obj::Map) {
    map.set_value_size(8);
    // The kernel compares their sizes with that.
    if let aya_obj::Map::Btf(map) = map {
        (map.def.btf_key_type_id, map.def.btf_value_type_id) = (0, 0);
    }
}

fn make_map(name: &str, map: &aya_obj::Map, flags: u32, types: &OwnedFd) -> Result<OwnedFd, Refused> {
    bpf::make_map(name, map, flags, types.as_fd())
        .map_err(|error| Refused::new(&format!("map {name}"), error))
}

/// Loads the types of the object: all of them, or those that the first kernels with ring buffers know (5.8).
fn load_types(object: &mut Object) -> Result<OwnedFd, Refused> {
    let newest = BtfFeatures::new(true, true, true, true, true, true, true, true);
    let oldest = BtfFeatures::new(true, true, true, true, false, false, false, false);
    let mut load = |features: &BtfFeatures| {
        let types = object.fixup_and_sanitize_btf(features).map_err(io::Error::other)?;
        bpf::load_types(&types.map(aya_obj::btf::Btf::to_bytes).unwrap_or_default())
    };
    load(&newest).or_else(|_| load(&oldest)).map_err(|error| Refused::new("types", error))
}

impl Prepared {
    /// Makes the programs fit for the kernel.
    pub(crate) fn fit(&mut self, functions: &Functions, offsets: &[u32], features: Features) {
        let Features { typed_task, loads, ring_result, preemptible } = features;
        let features = [typed_task, loads, ring_result, preemptible];
        for function in self.object.functions.values_mut() {
            fit(&mut function.instructions, functions);
            number(&mut function.instructions, stand_in::OFFSETS, offsets);
            number(&mut function.instructions, stand_in::FEATURES, &features);
        }
    }

    /// Loads programs with these constants, by name, and attaches them.
    pub(crate) fn load(
        &mut self,
        constants: HashMap<&str, (&[u8], bool)>,
        parts: &[Part],
    ) -> Result<Vec<Loaded>, Refused> {
        let object = &mut self.object;
        object.patch_map_data(constants).map_err(|error| Refused::other("constants", error))?;
        for (name, map) in object.maps.iter().filter(|(_, map)| !map.data().is_empty()) {
            self.maps.insert(name.clone(), make_map(name, map, 0, &self.types)?);
        }
        let text: HashSet<usize> = object.functions.keys().map(|(section, _)| *section).collect();
        let value = |(number, name): (u64, &str)| self.maps.get(name).map(|map| (number, map.as_fd()));
        let values: Vec<_> = stand_in::VALUES.into_iter().filter_map(value).collect();
        for function in object.functions.values_mut() {
            place(&mut function.instructions, &values);
        }
        let definitions = std::mem::take(&mut object.maps);
        let maps = definitions
            .iter()
            .filter_map(|(name, map)| self.maps.get(name).map(|fd| (name.as_str(), fd.as_raw_fd(), map)));
        object.relocate_maps(maps, &text).map_err(|error| Refused::other("maps", error))?;
        object.relocate_calls(&text).map_err(|error| Refused::other("functions", error))?;
        load_all(object, &self.types, parts)
    }

    /// Loads one more program, for a tracepoint without a type, once the others are loaded.
    pub(crate) fn load_later(&self, name: &'static str) -> Result<OwnedFd, Refused> {
        load_one(&self.object, &self.types, name, Hook::Event)
    }

    /// Adds a map that somebody else has made.
    pub(crate) fn give(&mut self, name: &str, map: OwnedFd) {
        self.maps.insert(name.to_owned(), map);
    }

    /// Takes a map.
    pub(crate) fn take(&mut self, name: &str) -> Result<OwnedFd, Refused> {
        let none = || Refused::new(&format!("map {name}"), io::ErrorKind::NotFound.into());
        self.maps.remove(name).ok_or_else(none)
    }
}

fn load_all(object: &Object, types: &OwnedFd, parts: &[Part]) -> Result<Vec<Loaded>, Refused> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(parts.len()));
    let work = || {
        while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            let loaded = load_part(object, types, &part.ways);
            done.lock().unwrap_or_else(PoisonError::into_inner).push((part, loaded));
        }
    };
    // The standard library's number is that of a control group, whose files are slow to read while the machine is busy.
    let processors = sched_getaffinity(None).map_or(1, |set| set.count() as usize);
    let threads = processors.min(THREADS_MAX);
    thread::scope(|scope| {
        for _ in 1..threads {
            // Without a thread to be had this one does it all.
            let _alone = thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    // In the order of the parts, which is that in which the kernel runs programs of the same place.
    done.sort_by_key(|(part, _)| (&raw const **part).addr());
    done.into_iter().filter_map(|(part, loaded)| attach(object, types, part, loaded).transpose()).collect()
}

/// A program that the kernel has accepted.
struct Accepted<'a> {
    name: &'static str,
    program: OwnedFd,
    took: Duration,
    /// The ways that were not tried.
    others: &'a [Way],
}

/// Loads the first program of these that the kernel accepts.
fn load_part<'a>(object: &Object, types: &OwnedFd, ways: &'a [Way]) -> Result<Accepted<'a>, Option<Refused>> {
    let mut last = None;
    for (at, Way { program: name, hook }) in ways.iter().enumerate() {
        let begun = Instant::now();
        match load_one(object, types, name, *hook) {
            Ok(program) => {
                return Ok(Accepted { name, program, took: begun.elapsed(), others: &ways[at + 1..] });
            }
            Err(refused) => last = Some(refused),
        }
    }
    Err(last)
}

/// Attaches the program of a part, or else the next one that the kernel accepts.
fn attach(
    object: &Object,
    types: &OwnedFd,
    part: &Part,
    mut loaded: Result<Accepted<'_>, Option<Refused>>,
) -> Result<Option<Loaded>, Refused> {
    loop {
        let last = match loaded {
            Ok(Accepted { name, program, took, others }) => match bpf::attach(program.as_fd()) {
                Ok(link) => return Ok(Some(Loaded { name, fd: program, link, took })),
                Err(error) => {
                    let refused = Refused::new(&format!("place of program {name}"), error);
                    loaded = load_part(object, types, others).map_err(|last| last.or(Some(refused)));
                    continue;
                }
            },
            Err(last) => last,
        };
        return last.filter(|_| part.is_needed).map_or(Ok(None), Err);
    }
}

fn load_one(object: &Object, types: &OwnedFd, name: &'static str, hook: Hook) -> Result<OwnedFd, Refused> {
    let what = format!("program {name}");
    let function =
        object.programs.get(name).and_then(|program| object.functions.get(&program.function_key()));
    let none = || Refused::new(&what, io::ErrorKind::NotFound.into());
    bpf::load_program(name, function.ok_or_else(none)?, &object.license, types.as_fd(), hook)
        .map_err(|error| Refused::new(&what, error))
}
