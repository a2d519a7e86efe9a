"""Runs a linked dylib on an emulated processor, against a macOS of a few functions: the hooks of functions with a variable number of
arguments by Apple's convention, then a program of some calls whose journal is read.

Given on standard input: {"dylib", "architecture", "hooks": [{"symbol", "fixed"}], ...}. Says a line for each check: "ok" or "FAIL", a tab, and
what.
"""

import json
import struct
import sys

import lief
import unicorn
from unicorn import arm64_const as arm
from unicorn import x86_const as x86

# It complains of lists that are empty.
lief.logging.disable()

given = json.load(sys.stdin)
is_arm = given["architecture"] == "aarch64"
fixed_of = {"_" + hook["symbol"]: hook["fixed"] for hook in given["hooks"]}

# Where things are; the image is at 0, for which it was linked.
STUBS, STACK, DATA, MAPS = 0x1_0000_0000, 0x2_0000_0000, 0x3_0000_0000, 0x4_0000_0000
STACK_BYTES, DATA_BYTES = 1 << 20, 1 << 20
RETURN = STUBS

if is_arm:
    ARGUMENTS = [getattr(arm, f"UC_ARM64_REG_X{number}") for number in range(8)]
    RESULT, SP, PC, LR = ARGUMENTS[0], arm.UC_ARM64_REG_SP, arm.UC_ARM64_REG_PC, arm.UC_ARM64_REG_LR
else:
    ARGUMENTS = [getattr(x86, f"UC_X86_REG_{name}") for name in ["RDI", "RSI", "RDX", "RCX", "R8", "R9"]]
    RESULT, SP, PC = x86.UC_X86_REG_RAX, x86.UC_X86_REG_RSP, x86.UC_X86_REG_RIP

# Errors and flags of macOS.
ENOENT, E2BIG, EBADF, EEXIST = 2, 7, 9, 17
POSIX_SPAWN_SETEXEC = 0x40
O_WRONLY, O_CREAT, O_TRUNC = 1, 0x200, 0x400
AT_FDCWD = -2
F_GETPATH = 50

# The journal (tracers/preload/journal): the head, and the places of what is read of it.
MAGIC, HEAD_BYTES, FILE_BYTES, WINDOW_BYTES = b"roarjrn2", 256 * 1024, 1 << 36, 16 << 20
JOURNAL, PROGRAM, LIBRARY = "/run/journal", "/usr/bin/program", "/opt/libroar_preload.dylib"
PID, PARENT, CHILD = 100, 99, 101
KINDS = {1: "Hello", 2: "Arguments", 3: "Directory", 4: "Images", 5: "Exec", 6: "Fork", 7: "Exit", 8: "Reaped", 9: "Path", 10: "Seen",
         11: "Open", 12: "Read", 13: "Write", 14: "MapRead", 15: "MapWrite", 16: "Truncate", 19: "Rename", 20: "Link", 21: "Symlink",
         22: "Unlink", 23: "Gap", 24: "Execute"}
STATES = {1: "Reserved", 2: "Begun", 3: "Done", 4: "Void"}


def check(what, is_so, found=""):
    print(f"ok\t{what}" if is_so else f"FAIL\t{what}: {found}")


def signed(number, bits=32):
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> (bits - 1) else number


class Machine:
    """A processor with the image, and functions for its symbols."""

    def __init__(self):
        self.image = lief.MachO.parse(given["dylib"]).at(0)
        if is_arm:
            self.cpu = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
            self.cpu.ctl_set_cpu_model(arm.UC_CPU_ARM64_MAX)
            # Floating point is there.
            self.cpu.reg_write(arm.UC_ARM64_REG_CPACR_EL1, 3 << 20)
        else:
            self.cpu = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        end = max(segment.virtual_address + segment.virtual_size for segment in self.image.segments)
        self.cpu.mem_map(0, (end + 0x3FFF) & ~0x3FFF)
        for segment in self.image.segments:
            if len(segment.content):
                self.cpu.mem_write(segment.virtual_address, bytes(segment.content))
        self.cpu.mem_map(STUBS, 0x10000)
        self.cpu.mem_map(STACK, STACK_BYTES)
        self.cpu.mem_map(DATA, DATA_BYTES)
        self.cpu.mem_write(STUBS, (struct.pack("<I", 0xD65F03C0) if is_arm else b"\xc3" * 4) * 0x4000)
        self.symbols, self.data_used = {}, DATA
        for binding in self.image.bindings:
            if binding.has_symbol:
                name = binding.symbol.name
                stub = next((at for at, known in self.symbols.items() if known == name), None)
                if stub is None:
                    # The one variable among them is the port of the task.
                    stub = self.put(struct.pack("<Q", 7)) if name == "_mach_task_self_" else STUBS + 16 * (len(self.symbols) + 1)
                    self.symbols[stub] = name
                self.cpu.mem_write(binding.address, struct.pack("<Q", stub))
        self.cpu.hook_add(unicorn.UC_HOOK_CODE, self.at_stub, begin=STUBS + 16, end=STUBS + 0xFFFF)
        self.errno = self.put(bytes(8))
        section = next(section for section in self.image.sections if section.name == "__interpose")
        self.replacements = {}
        for at in range(section.virtual_address, section.virtual_address + section.size, 16):
            replacement, replacee = struct.unpack("<QQ", self.cpu.mem_read(at, 16))
            self.replacements[self.symbols[replacee]] = replacement

    def put(self, content):
        at, self.data_used = self.data_used, (self.data_used + len(content) + 15) & ~15
        self.cpu.mem_write(at, content)
        return at

    def text(self, at):
        content = bytes(self.cpu.mem_read(at, 1024))
        return content[: content.index(0)].decode()

    def arguments(self, symbol, count):
        """The arguments of a call by C's convention, those of a variable number where Apple has them."""
        fixed, registers = fixed_of.get(symbol, 0), [self.cpu.reg_read(register) for register in ARGUMENTS]
        if not is_arm or fixed == 0:
            return registers[:count]
        slots = struct.unpack("<8Q", self.cpu.mem_read(self.cpu.reg_read(SP), 64))
        return registers[:fixed] + list(slots)[: count - fixed]

    def at_stub(self, cpu, address, _size, _data):
        name = self.symbols.get(address)
        if name is not None:
            cpu.reg_write(RESULT, self.function(name) & 0xFFFF_FFFF_FFFF_FFFF)

    def run(self, address, arguments, fixed=0):
        """Calls a function as a program would: those arguments that are of a variable number go to the stack on 64-bit Arm."""
        sp = STACK + STACK_BYTES // 2
        if is_arm:
            in_registers = arguments[:fixed] if fixed else arguments
            slots = [argument & 0xFFFF_FFFF_FFFF_FFFF for argument in arguments[len(in_registers) :]]
            for register in ARGUMENTS:
                self.cpu.reg_write(register, 0xBAD0_BAD0_BAD0_BAD0)
            self.cpu.mem_write(sp, b"".join(struct.pack("<Q", slot) for slot in slots))
            self.cpu.reg_write(LR, RETURN)
        else:
            in_registers = arguments
            sp -= 8
            self.cpu.mem_write(sp, struct.pack("<Q", RETURN))
        for register, value in zip(ARGUMENTS, in_registers):
            self.cpu.reg_write(register, value & 0xFFFF_FFFF_FFFF_FFFF)
        self.cpu.reg_write(SP, sp)
        self.cpu.emu_start(address, RETURN, count=5_000_000)
        if self.cpu.reg_read(PC) != RETURN or self.cpu.reg_read(SP) != (sp if is_arm else sp + 8):
            raise RuntimeError(f"did not come back, is at {self.cpu.reg_read(PC):#x}")
        return self.cpu.reg_read(RESULT)

    def call(self, name, *arguments):
        """Calls what dyld would put in the place of a function."""
        texts = [self.put(argument.encode() + b"\0") if isinstance(argument, str) else argument for argument in arguments]
        return self.run(self.replacements[name], texts, fixed_of[name])


class Recorder(Machine):
    """Functions that take note of their arguments and do nothing."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def function(self, name):
        self.seen.append((name, self.arguments(name, fixed_of.get(name, 0) + 1)))
        return 7


# By convention: what a program gives in place of `...` reaches the real function. There is no journal: nothing else is called.
machine = Recorder()
for symbol, fixed in fixed_of.items():
    if fixed:
        machine.seen.clear()
        arguments = [0x1000 + number for number in range(fixed)] + [0o640]
        result = machine.call(symbol, *arguments)
        what = f"{symbol} passes on what is given in place of `...`"
        check(what, machine.seen == [(symbol, arguments)] and result == 7, machine.seen)
if is_arm:
    # The shim, `ldr x2, [sp]` and a branch, is what makes the difference: without it the mode is what a register happens to hold.
    shim = machine.replacements["_open"]
    branch = struct.unpack("<I", machine.cpu.mem_read(shim + 4, 4))[0]
    check("the shim of _open is two instructions", branch >> 26 == 0b000101, hex(branch))
    machine.seen.clear()
    machine.run(shim + 4 + 4 * signed(branch & 0x3FF_FFFF, 26), [0x1000, 0x1001, 0o640], 2)
    found = machine.seen[0][1][2]
    check("a hook without the shim would pass on another mode, and that is seen", found != 0o640, oct(found))


class Macos(Machine):
    """Functions enough for a program of some calls."""

    def __init__(self):
        super().__init__()
        self.files = {PROGRAM: [1, b"program"], "/home/in": [2, b"0123456789"], JOURNAL: [3, b""]}
        self.next_inode, self.opened, self.next_fd = 10, {}, 3
        self.maps_used, self.is_child, self.executed, self.spawned = MAPS, False, None, None
        self.foreign, self.has_forked, self.strings_max, self.mapped = set(), False, 100, []

    def fail(self, number):
        self.cpu.mem_write(self.errno, struct.pack("<i", number))
        return -1

    def stat(self, path, into):
        if path not in self.files:
            return self.fail(ENOENT)
        inode, content = self.files[path]
        self.cpu.mem_write(into, struct.pack("<IHHQ16s8qq40s", 5, 0o100_644, 1, inode, bytes(16), *[8] * 8, len(content), bytes(40)))
        return 0

    def resolve(self, path):
        return path.rstrip("/") or "/" if path.startswith("/") else f"/home/{path}"

    def open(self, at, flags):
        path = self.resolve(self.text(at))
        is_directory = path in ("/", "/home", "/usr/bin")
        if path not in self.files and not is_directory:
            if not flags & O_CREAT:
                return self.fail(ENOENT)
            self.files[path] = [self.next_inode, b""]
            self.next_inode += 1
        if flags & O_TRUNC:
            self.files[path][1] = b""
        fd, self.next_fd = self.next_fd, self.next_fd + 1
        self.opened[fd] = path
        return fd

    def function(self, name):
        plain = name.split("$")[0]
        a, b, c, d, e, f = (self.arguments(name, 6) + [0] * 6)[:6]
        function = getattr(self, "do" + plain, None)
        if function is None:
            self.foreign.add(name)
            return self.fail(ENOENT)
        return function(a, b, c, d, e, f)

    def do___error(self, *_):
        return self.errno

    def do_open(self, path, flags, *_):
        return self.open(path, flags)

    def do_openat(self, _dir, path, flags, *_):
        return self.open(path, flags)

    def do_close(self, fd, *_):
        return 0 if self.opened.pop(signed(fd), None) else self.fail(EBADF)

    def do_fcntl(self, fd, command, into, *_):
        if command & 0xFFFF_FFFF != F_GETPATH or signed(fd) not in self.opened:
            return self.fail(EBADF)
        self.cpu.mem_write(into, self.opened[signed(fd)].encode() + b"\0")
        return 0

    def do_fstat(self, fd, into, *_):
        return self.stat(self.opened.get(signed(fd)), into)

    def do_fstatat(self, _dir, path, into, *_):
        return self.stat(self.resolve(self.text(path)), into)

    def do_mmap(self, _address, length, _prot, _flags, fd, offset):
        at, self.maps_used = self.maps_used, self.maps_used + (length + 0xF_FFFF & ~0xF_FFFF)
        self.cpu.mem_map(at, length + 0x3FFF & ~0x3FFF)
        self.mapped.append((self.opened.get(signed(fd)), offset, at))
        if self.opened.get(signed(fd)) == JOURNAL and offset == 0:
            self.journal = at
            self.cpu.mem_write(at, MAGIC + struct.pack("<Q", FILE_BYTES))
            self.cpu.mem_write(at + 64, struct.pack("<Q", HEAD_BYTES))
        return at

    def do_munmap(self, *_):
        return 0

    def do_getpid(self, *_):
        return CHILD if self.is_child else PID

    def do_getppid(self, *_):
        return PARENT

    def do_pthread_self(self, *_):
        return 0x7777

    def do_proc_pidpath(self, _pid, into, *_):
        self.cpu.mem_write(into, PROGRAM.encode())
        return len(PROGRAM)

    def do_proc_pidinfo(self, _pid, flavor, _argument, into, length, *_):
        if flavor != 9 or length != 2352:
            return 0
        self.cpu.mem_write(into + 152, b"/home")
        return length

    def do_dladdr(self, _address, into, *_):
        self.cpu.mem_write(into, struct.pack("<Q", self.put(LIBRARY.encode() + b"\0")))
        return 1

    def do__dyld_image_count(self, *_):
        return 3

    def do__dyld_get_image_name(self, index, *_):
        names = [PROGRAM, LIBRARY, "/usr/lib/libz.dylib"]
        return self.put(names[index & 0xFFFF_FFFF].encode() + b"\0")

    def do_mach_vm_read_overwrite(self, _task, address, length, into, got, *_):
        self.cpu.mem_write(into, bytes(self.cpu.mem_read(address, length)))
        self.cpu.mem_write(got, struct.pack("<Q", length))
        return 0

    def do_memcpy(self, to, source, length, *_):
        self.cpu.mem_write(to, bytes(self.cpu.mem_read(source, length)) if length else b"")
        return to

    do_memmove = do_memcpy

    def do_memset(self, to, byte, length, *_):
        self.cpu.mem_write(to, bytes([byte & 0xFF]) * length)
        return to

    def do_bzero(self, to, length, *_):
        return self.do_memset(to, 0, length)

    do___bzero = do_bzero

    def do_memcmp(self, a, b, length, *_):
        a, b = bytes(self.cpu.mem_read(a, length)) if length else b"", bytes(self.cpu.mem_read(b, length)) if length else b""
        return (a > b) - (a < b)

    do_bcmp = do_memcmp

    def do_strlen(self, at, *_):
        return len(self.text(at))

    def do_read(self, fd, _into, length, *_):
        return min(length, len(self.files[self.opened[signed(fd)]][1]))

    def do_write(self, fd, source, length, *_):
        self.files[self.opened[signed(fd)]][1] += bytes(self.cpu.mem_read(source, length))
        return length

    def do_rename(self, source, to, *_):
        source, to = self.resolve(self.text(source)), self.resolve(self.text(to))
        if source not in self.files:
            return self.fail(ENOENT)
        self.files[to] = self.files.pop(source)
        return 0

    def do_unlink(self, path, *_):
        return 0 if self.files.pop(self.resolve(self.text(path)), None) else self.fail(ENOENT)

    def do___fork(self, *_):
        return 0 if self.is_child else CHILD

    def strings(self, at):
        found = []
        while place := struct.unpack("<Q", self.cpu.mem_read(at, 8))[0]:
            found.append(self.text(place))
            at += 8
        return found

    def do_execve(self, path, _arguments, environment, *_):
        self.executed = (self.text(path), self.strings(environment))
        return self.fail(E2BIG if len(self.executed[1]) > self.strings_max else ENOENT)

    def do_posix_spawn(self, pid, path, _actions, _attributes, _arguments, environment):
        self.spawned = (self.text(path), self.strings(environment))
        if pid:
            self.cpu.mem_write(pid, struct.pack("<i", CHILD))
        return 0

    def do_posix_spawnattr_getflags(self, attributes, into, *_):
        self.cpu.mem_write(into, struct.pack("<H", attributes))
        return 0

    def do_fork(self, *_):
        self.has_forked = True
        return CHILD

    def do_clonefile(self, source, to, *_):
        source, to = self.resolve(self.text(source)), self.resolve(self.text(to))
        if to in self.files:
            return self.fail(EEXIST)
        self.files[to] = [self.next_inode, self.files[source][1]]
        self.next_inode += 1
        return 0

    def do__exit(self, *_):
        return 0

    def vector(self, *strings):
        return self.put(struct.pack(f"<{len(strings) + 1}Q", *[self.put(string.encode() + b"\0") for string in strings], 0))

    def start(self, *environment):
        initializer = next(section for section in self.image.sections if section.name == "__mod_init_func")
        at = struct.unpack("<Q", self.cpu.mem_read(initializer.virtual_address, 8))[0]
        self.run(at, [2, self.vector("program", "word"), self.vector(*environment), self.vector(f"executable_path=./program")])

    def entries(self):
        """What the journal says, as tuples: kind, state, process, path, second text, value."""
        used = struct.unpack("<Q", self.cpu.mem_read(self.journal + 64, 8))[0]
        at, found = HEAD_BYTES, []
        while at < used:
            entry = bytes(self.cpu.mem_read(self.journal + at, 112))
            word, _time, pid, _tid, kind, _flags, length, length2 = struct.unpack_from("<QQIIBBHH", entry)
            value, _value2, path_at = struct.unpack_from("<QQQ", entry, 40)
            room = (word >> 8 & 0xFF_FFFF) * 16
            if room == 0:
                raise RuntimeError(f"no entry at {at:#x} of {used:#x}")
            texts = bytes(self.cpu.mem_read(self.journal + at + 112, max(room - 112, 1)))
            path, second = texts[:length].decode(), texts[length : length + length2].decode()
            if path_at:
                path = next(known[3] for known in found if known[6] == path_at)
            found.append((KINDS.get(kind, kind), STATES.get(word & 0xFF), pid, path, second, value, at))
            at += room
        return found

    def told(self, *kinds):
        return [entry[:-1] for entry in self.entries() if entry[0] in kinds and entry[1] != "Void"]


# A program without a journal, then one with.
machine = Macos()
machine.start("HOME=/home")
check("without the variable nothing is opened or mapped", not machine.opened and machine.maps_used == MAPS)

machine = Macos()
environment = [f"DYLD_INSERT_LIBRARIES={LIBRARY}", f"ROAR_PRELOAD={JOURNAL}"]
machine.start(*environment)
check("the program says hello", machine.told("Hello") == [("Hello", "Done", PID, PROGRAM, "./program", PARENT)], machine.entries())
check("its arguments are told", [entry[3] for entry in machine.told("Arguments")] == ["program\0word\0"], machine.told("Arguments"))
check("its directory is told", [entry[3] for entry in machine.told("Directory")] == ["/home"], machine.told("Directory"))
check("its libraries are told", [entry[3] for entry in machine.told("Images")] == ["/usr/lib/libz.dylib\0"], machine.told("Images"))

machine.cpu.mem_write(machine.errno, struct.pack("<i", 77))
fd = machine.call("_open", "out", O_WRONLY | O_CREAT | O_TRUNC, 0o640)
check("an open that creates is told, with flags as Linux has them",
      machine.told("Open") == [("Open", "Done", PID, "/home/out", "", 0o1101)], machine.told("Open"))
buffer = machine.put(b"words")
machine.call("_write", fd, buffer, 5)
machine.call("_write$NOCANCEL", fd, buffer, 5)
check("writes are told once and counted", machine.told("Write") == [("Write", "Done", PID, "/home/out", "", 10)], machine.told("Write"))
check("errno is as the program left it", struct.unpack("<i", machine.cpu.mem_read(machine.errno, 4))[0] == 77)
machine.call("_close", fd)

fd = machine.call("_openat", AT_FDCWD, "in", 0)
machine.call("_read", fd, buffer, 100)
check("a read is told with what the kernel calls the file",
      machine.told("Read") == [("Read", "Done", PID, "/home/in", "", 10)], machine.told("Read"))
machine.call("_close", fd)

machine.call("_rename", "out", "/home/out2")
check("a rename is told with both names",
      machine.told("Rename") == [("Rename", "Done", PID, "/home/out", "/home/out2", 0)], machine.told("Rename"))
machine.call("_unlink", "out2")
check("a removal is told", machine.told("Unlink") == [("Unlink", "Done", PID, "/home/out2", "", 0)], machine.told("Unlink"))
result = machine.call("_unlink", "nothing")
check("a failure is the program's to see, and is not told",
      signed(result) == -1 and struct.unpack("<i", machine.cpu.mem_read(machine.errno, 4))[0] == ENOENT and len(machine.told("Unlink")) == 1)

before = len(machine.entries())
machine.call("_clonefile", "in", "copy", 0)
told = [entry[:4] for entry in machine.entries()[before:] if entry[0] != "Path"]
wanted = [("Open", "Done", PID, "/home/copy"), ("Write", "Done", PID, "/home/copy"), ("Read", "Done", PID, "/home/in")]
check("a copy is told as what it is", told == wanted, told)
before = len(machine.entries())
machine.call("_clonefile", "in", "copy", 0)
check("one that fails is not told", all(entry[1] == "Void" for entry in machine.entries()[before:]), machine.entries()[before:])
check("no descriptor is left open", not machine.opened, machine.opened)

machine.call("_execve", PROGRAM, machine.vector("program"), machine.vector("A=b"))
check("an execution is given the variables again", machine.executed == (PROGRAM, ["A=b", *environment]), machine.executed)
check("one that failed is void", [entry[1] for entry in machine.entries() if entry[0] == "Exec"] == ["Void"], machine.entries())
machine.strings_max = 1
result = machine.call("_execve", PROGRAM, machine.vector("program"), machine.vector("A=b"))
check("one that the variables make too long is given what the program gave", machine.executed == (PROGRAM, ["A=b"]), machine.executed)
check("its failure is the program's to see",
      signed(result) == -1 and struct.unpack("<i", machine.cpu.mem_read(machine.errno, 4))[0] == ENOENT)
place = machine.put(bytes(8))
machine.call("_posix_spawn", place, PROGRAM, 0, 0, machine.vector("program"), machine.vector("A=b"))
check("a program that is spawned is given them, too", machine.spawned == (PROGRAM, ["A=b", *environment]), machine.spawned)
check("the execution is its own", [entry[1:4] for entry in machine.told("Exec")] == [("Begun", CHILD, PROGRAM)], machine.told("Exec"))
check("its process is told", [entry[5] for entry in machine.told("Fork")] == [CHILD], machine.told("Fork"))
before = len(machine.entries())
machine.call("_posix_spawn", 0, PROGRAM, 0, POSIX_SPAWN_SETEXEC, machine.vector("program"), machine.vector("A=b"))
told = [entry[:3] for entry in machine.entries()[before:]]
check("a program that takes the place of its own makes no process", told == [("Exec", "Void", PID)], told)
machine.call("_vfork")
check("vfork makes its process by fork", machine.has_forked)
machine.call("___fork")
check("so is one that is forked", [entry[5] for entry in machine.told("Fork")] == [CHILD, CHILD], machine.told("Fork"))
machine.is_child = True
machine.call("___fork")
machine.call("__exit", 3)
check("its end is told under its own number", machine.told("Exit") == [("Exit", "Done", CHILD, "", "", 0x300)], machine.told("Exit"))
check("nothing else of macOS was asked for", not machine.foreign, machine.foreign)
check("nothing was lost", struct.unpack("<Q", machine.cpu.mem_read(machine.journal + 320, 8))[0] == 0)

# A long journal: it is mapped further on, where its next entry stands.
machine.cpu.mem_write(machine.journal + 64, struct.pack("<Q", 2 * WINDOW_BYTES + 4096))
machine.is_child = False
machine.call("_close", machine.call("_open", "far", O_WRONLY | O_CREAT, 0o640))
path, offset, at = machine.mapped[-1]
check("a long journal is mapped where it goes on", (path, offset) == (JOURNAL, 2 * WINDOW_BYTES), machine.mapped[-1])
kind = machine.cpu.mem_read(at + 4096 + 24, 1)[0]
check("what comes next stands there", KINDS.get(kind) == "Open", kind)
