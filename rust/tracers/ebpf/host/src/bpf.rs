//! bpf(2): the commands that the kernel side is loaded and read with.
//!
//! # Safety
//!
//! Attributes are plain numbers, zero where nothing is said; what they point to lives through the call. Descriptors that the kernel makes
//! for a command are close-on-exec and this process's own.

use std::ffi::CStr;
use std::io;
use std::mem;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use aya::maps::{Map, MapData};
use aya_obj::generated::{bpf_attach_type, bpf_attr, bpf_cmd, bpf_map_type, bpf_prog_info, bpf_prog_type};
use aya_obj::{Function, Map as Definition};

/// Room for what the verifier says of a program that it refuses.
const LOG_BYTES: usize = 1 << 20;

fn call(command: bpf_cmd, attributes: &mut bpf_attr) -> io::Result<i32> {
    let bytes = size_of::<bpf_attr>();
    // SAFETY: see the module.
    let result =
        unsafe { libc::syscall(libc::SYS_bpf, command as libc::c_long, &raw mut *attributes, bytes) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result as i32) }
}

fn make(command: bpf_cmd, attributes: &mut bpf_attr) -> io::Result<OwnedFd> {
    let fd = call(command, attributes)?;
    // SAFETY: the command has just made it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Makes the call with a command that does not exist, and returns how it fails.
pub(crate) fn ask_nothing() -> io::Error {
    const NO_COMMAND: libc::c_long = 0x7fff_ffff;
    // SAFETY: no attributes are given.
    unsafe { libc::syscall(libc::SYS_bpf, NO_COMMAND, ptr::null_mut::<u8>(), 0) };
    io::Error::last_os_error()
}

fn attributes() -> bpf_attr {
    // SAFETY: numbers alone.
    unsafe { mem::zeroed() }
}

fn number(fd: BorrowedFd<'_>) -> u32 {
    fd.as_raw_fd() as u32
}

fn address<T>(of: *const T) -> u64 {
    of as usize as u64
}

/// Puts a name into its place; what does not fit is left out.
fn put_name(place: &mut [libc::c_char; 16], name: &str) {
    for (to, from) in place[..15].iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
}

/// Loads type information.
pub(crate) fn load_types(types: &[u8]) -> io::Result<OwnedFd> {
    let mut attributes = attributes();
    attributes.__bindgen_anon_7.btf = address(types.as_ptr());
    attributes.__bindgen_anon_7.btf_size = types.len() as u32;
    make(bpf_cmd::BPF_BTF_LOAD, &mut attributes)
}

/// Makes a map, with what it begins with. `flags`: beside those that it says itself.
pub(crate) fn make_map(
    name: &str,
    map: &Definition,
    flags: u32,
    types: BorrowedFd<'_>,
) -> io::Result<OwnedFd> {
    let mut attributes = attributes();
    // SAFETY: the attributes of this command.
    let about = unsafe { &mut attributes.__bindgen_anon_1 };
    about.map_type = map.map_type();
    about.key_size = map.key_size();
    about.value_size = map.value_size();
    about.max_entries = map.max_entries();
    about.map_flags = map.map_flags() | flags;
    put_name(&mut about.map_name, name);
    if let Definition::Btf(map) = map {
        about.btf_fd = number(types);
        about.btf_key_type_id = map.def.btf_key_type_id;
        about.btf_value_type_id = map.def.btf_value_type_id;
    }
    let fd = make(bpf_cmd::BPF_MAP_CREATE, &mut attributes)?;
    if !map.data().is_empty() {
        fill(fd.as_fd(), map.data())?;
    }
    Ok(fd)
}

/// Makes a ring of so many bytes, a power of two.
pub(crate) fn make_ring(name: &str, bytes: u32) -> io::Result<OwnedFd> {
    let mut attributes = attributes();
    // SAFETY: the attributes of this command.
    let about = unsafe { &mut attributes.__bindgen_anon_1 };
    about.map_type = bpf_map_type::BPF_MAP_TYPE_RINGBUF as u32;
    about.max_entries = bytes;
    put_name(&mut about.map_name, name);
    make(bpf_cmd::BPF_MAP_CREATE, &mut attributes)
}

/// Writes the only value of a map of constants, which then nobody changes any more.
fn fill(map: BorrowedFd<'_>, data: &[u8]) -> io::Result<()> {
    let key = 0_u32;
    let mut attributes = attributes();
    // SAFETY: the attributes of this command.
    let about = unsafe { &mut attributes.__bindgen_anon_2 };
    about.map_fd = number(map);
    about.key = address(&raw const key);
    about.__bindgen_anon_1.value = address(data.as_ptr());
    call(bpf_cmd::BPF_MAP_UPDATE_ELEM, &mut attributes)?;
    let mut attributes = self::attributes();
    // SAFETY: the attributes of this command.
    unsafe { &mut attributes.__bindgen_anon_2 }.map_fd = number(map);
    call(bpf_cmd::BPF_MAP_FREEZE, &mut attributes)?;
    Ok(())
}

/// Returns the map of a descriptor.
pub(crate) fn map_of(fd: OwnedFd) -> io::Result<Map> {
    MapData::from_fd(fd).and_then(Map::from_map_data).map_err(io::Error::other)
}

/// Reads all values of an array that was made to be shared; `T` is what its values are.
///
/// # Safety
/// Any bytes are a `T`, and the map has so many values of its size, a multiple of 8.
pub(crate) unsafe fn read_array<T: Copy>(map: BorrowedFd<'_>, count: usize) -> io::Result<Vec<T>> {
    let bytes = count * size_of::<T>();
    // SAFETY: a new mapping, at a place that the kernel chooses.
    let place =
        unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_READ, libc::MAP_SHARED, map.as_raw_fd(), 0) };
    if place == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // Other processors may write to it: what is copied is what was there when the copy came by.
    let values = (0..count).map(|at| {
        // SAFETY: within the mapping.
        let value = unsafe { place.cast::<T>().add(at) };
        // SAFETY: aligned, as mappings are.
        unsafe { value.read_volatile() }
    });
    let values = values.collect();
    // SAFETY: mapped above, and not used any more.
    unsafe { libc::munmap(place, bytes) };
    Ok(values)
}

/// What a program is for.
#[derive(Clone, Copy)]
pub(crate) enum Hook {
    /// A tracepoint, whose type in the kernel's type information is this.
    Tracepoint(u32),
    /// The beginning of a function of that type.
    Function(u32),
    /// A tracepoint that is attached to by way of perf_event_open(2).
    Event,
}

/// Loads a program.
///
/// # Errors
/// With the last word of the verifier, if it had one.
pub(crate) fn load_program(
    name: &str,
    function: &Function,
    license: &CStr,
    types: BorrowedFd<'_>,
    hook: Hook,
) -> io::Result<OwnedFd> {
    let functions = function.func_info.func_info_bytes();
    let mut attributes = attributes();
    // SAFETY: the attributes of this command.
    let about = unsafe { &mut attributes.__bindgen_anon_3 };
    about.prog_type = bpf_prog_type::BPF_PROG_TYPE_TRACING as u32;
    match hook {
        Hook::Event => about.prog_type = bpf_prog_type::BPF_PROG_TYPE_TRACEPOINT as u32,
        Hook::Tracepoint(number) => {
            about.expected_attach_type = bpf_attach_type::BPF_TRACE_RAW_TP as u32;
            about.attach_btf_id = number;
        }
        Hook::Function(number) => {
            about.expected_attach_type = bpf_attach_type::BPF_TRACE_FENTRY as u32;
            about.attach_btf_id = number;
        }
    }
    about.insns = address(function.instructions.as_ptr());
    about.insn_cnt = function.instructions.len() as u32;
    about.license = address(license.as_ptr());
    about.prog_btf_fd = number(types);
    about.func_info = address(functions.as_ptr());
    about.func_info_cnt = function.func_info.func_info.len() as u32;
    about.func_info_rec_size = function.func_info_rec_size as u32;
    put_name(&mut about.prog_name, name);
    let error = match make(bpf_cmd::BPF_PROG_LOAD, &mut attributes) {
        Err(error) if error.raw_os_error() != Some(libc::EPERM) => error,
        done => return done,
    };
    let mut log = vec![0_u8; LOG_BYTES];
    // SAFETY: the attributes of this command.
    let about = unsafe { &mut attributes.__bindgen_anon_3 };
    about.log_level = 1;
    about.log_buf = address(log.as_mut_ptr());
    about.log_size = log.len() as u32;
    match make(bpf_cmd::BPF_PROG_LOAD, &mut attributes) {
        Err(_) => Err(io::Error::new(error.kind(), format!("{error}: {}", last_word(&log)))),
        done => done,
    }
}

/// Returns whether a program may be attached to a function of that type: by loading one that does nothing.
pub(crate) fn may_see_function(function: u32) -> bool {
    /// `r0 = 0`, `exit`: eight bytes each.
    const NOTHING: [u64; 2] = [0xb7, 0x95];
    let mut attributes = attributes();
    // SAFETY: the attributes of this command.
    let about = unsafe { &mut attributes.__bindgen_anon_3 };
    about.prog_type = bpf_prog_type::BPF_PROG_TYPE_TRACING as u32;
    about.expected_attach_type = bpf_attach_type::BPF_TRACE_FENTRY as u32;
    about.attach_btf_id = function;
    about.insns = address(NOTHING.as_ptr());
    about.insn_cnt = NOTHING.len() as u32;
    about.license = address(c"GPL".as_ptr());
    make(bpf_cmd::BPF_PROG_LOAD, &mut attributes).is_ok()
}

/// Returns the last line of the verifier that is about the program.
fn last_word(log: &[u8]) -> String {
    let end = log.iter().position(|byte| *byte == 0).unwrap_or(log.len());
    let text = String::from_utf8_lossy(&log[..end]);
    let is_count = |line: &&str| {
        ["processed ", "verification time ", "stack depth "].iter().any(|word| line.starts_with(word))
    };
    text.lines().rev().find(|line| !is_count(line)).unwrap_or("the kernel does not say why").to_owned()
}

/// Attaches a program to what it is for, until the descriptor is closed.
pub(crate) fn attach(program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    let mut attributes = attributes();
    attributes.raw_tracepoint.prog_fd = number(program);
    make(bpf_cmd::BPF_RAW_TRACEPOINT_OPEN, &mut attributes)
}

/// Returns how often the kernel has not run a program because it was in it already on that processor. It takes no rights beyond the descriptor
/// (bpf_prog_get_info_by_fd in kernel/bpf/syscall.c), once a kernel lets everybody call bpf(2).
pub(crate) fn misses(program: BorrowedFd<'_>) -> io::Result<u64> {
    // SAFETY: numbers alone.
    let mut info: bpf_prog_info = unsafe { mem::zeroed() };
    let mut attributes = attributes();
    attributes.info.bpf_fd = number(program);
    attributes.info.info_len = size_of::<bpf_prog_info>() as u32;
    attributes.info.info = address(&raw mut info);
    call(bpf_cmd::BPF_OBJ_GET_INFO_BY_FD, &mut attributes)?;
    Ok(info.recursion_misses)
}
