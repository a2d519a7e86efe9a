//! Libraries that the program loads when it has begun. dlopen(3) looks at who calls it and must be jumped to, so that what it has
//! loaded is told when the next occasion comes: at the latest when the process ends or executes another program.
//!
//! # Safety
//!
//! What was loaded before the program began is never unloaded. What came after may be, by another thread: it is looked at by way of the kernel.

use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicUsize, Ordering};

use tracer_preload_journal::{Kind, State};

use crate::gaps::{self, Gap};
use crate::journal::Draft;
use crate::loader::{self, LinkMap};
use crate::names::{PATH_MAX, Text};
use crate::sys;

/// The last library that was loaded before the program began; 0: hooks tell nothing.
static LAST: AtomicUsize = AtomicUsize::new(0);

/// How many libraries there were behind it when they were told.
static TOLD: AtomicUsize = AtomicUsize::new(0);

/// More than any program loads; a list that is longer is none.
const LIBRARIES_MAX: usize = 1 << 14;

/// Takes note of what is loaded.
pub(super) fn begin() {
    if let Some(last) = loader::loaded().last() {
        LAST.store(core::ptr::from_mut(last) as usize, Ordering::Relaxed);
    }
}

/// Copies memory that may be gone.
fn copy<T>(address: usize) -> Option<T> {
    let mut place = MaybeUninit::<T>::zeroed();
    // SAFETY: as many bytes as the place has, all of them zero.
    let bytes = unsafe { core::slice::from_raw_parts_mut(place.as_mut_ptr().cast::<u8>(), size_of::<T>()) };
    // SAFETY: only plain numbers and pointers are asked for, of which every value is valid.
    (sys::peek(address, bytes) == size_of::<T>()).then(|| unsafe { place.assume_init() })
}

/// Tells of libraries that came since.
pub(super) fn tell_new() {
    let last = LAST.load(Ordering::Relaxed) as *const LinkMap;
    // SAFETY: null, or a library that stays loaded.
    let Some(last) = (unsafe { last.as_ref() }) else { return };
    let mut at = last.next as usize;
    let mut count = 0;
    let told = TOLD.load(Ordering::Relaxed);
    while at != 0 && count < LIBRARIES_MAX {
        let Some(map) = copy::<LinkMap>(at) else { return };
        count += 1;
        if count > told {
            tell(map.name_address());
        }
        at = map.next as usize;
    }
    // What is unloaded makes room for what would be overlooked otherwise.
    TOLD.store(count, Ordering::Relaxed);
}

/// Libraries are about to be loaded into a namespace (dlmopen(3)). Only what calls the program's own C library is hooked.
pub(super) fn tell_namespace(namespace: usize) {
    const LM_ID_BASE: usize = 0;
    if namespace != LM_ID_BASE {
        gaps::tell(
            Gap::RawCalls,
            b"it loads libraries into a namespace of their own (dlmopen): what they do was not seen",
        );
    }
}

fn tell(name: usize) {
    let mut bytes = [0; PATH_MAX];
    let got = sys::peek(name, &mut bytes);
    let bytes = bytes.get(..got).unwrap_or(b"");
    let Some(len) = bytes.iter().position(|byte| *byte == 0) else { return };
    let Some(name) = bytes.get(..len).filter(|name| name.contains(&b'/')) else { return };
    if let Some(mut draft) = Draft::new(Kind::Images, name.len()) {
        let mut text = Text::new(&draft, 0);
        text.push(name);
        let len = text.len;
        draft.set_texts(len, 0);
        draft.seal(State::Done);
    }
}

/// Called by the loader when the process ends.
extern "C" fn end() {
    tell_new();
}

#[cfg(target_os = "linux")]
#[used]
// SAFETY: the loader calls the functions in this section once each, with the C convention that `end` has.
#[unsafe(link_section = ".fini_array")]
static END: extern "C" fn() = end;
