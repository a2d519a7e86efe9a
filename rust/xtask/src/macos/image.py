"""Checks a linked dylib: what it is, what it needs, and the pairs of its section __interpose.

Given on standard input: {"dylib", "architecture", "install_name", "oldest", "libsystem" (the list of symbols that zig has for it), "hooks":
[{"symbol", "fixed"}], "table": [names], "left_out": {name: why}}. Says a line for each check: "ok" or "FAIL", a tab, and what.
"""

import json
import re
import struct
import sys

import lief

# It complains of lists that are empty.
lief.logging.disable()

given = json.load(sys.stdin)
image = lief.MachO.parse(given["dylib"]).at(0)
is_arm = given["architecture"] == "aarch64"


def check(what, is_so, found=""):
    print(f"ok\t{what}" if is_so else f"FAIL\t{what}: {found}")


def version(parts):
    return ".".join(str(part) for part in parts[:2])


# What it is.
cpu = lief.MachO.Header.CPU_TYPE.ARM64 if is_arm else lief.MachO.Header.CPU_TYPE.X86_64
check("it is a dylib of its architecture", image.header.cpu_type == cpu
      and image.header.file_type == lief.MachO.Header.FILE_TYPE.DYLIB, image.header)
own = [command.name for command in image.commands if command.command == lief.MachO.LoadCommand.TYPE.ID_DYLIB]
check("its install name is the one that was given", own == [given["install_name"]], own)
oldest = version(image.build_version.minos) if image.has_build_version else version(image.version_min.version)
check("the oldest macOS that it runs on is the one that was given", oldest == given["oldest"], oldest)
check("it is signed where macOS asks for that", not is_arm or image.has_code_signature)

# What it needs.
needed = [library.name for library in image.libraries if library.command != lief.MachO.LoadCommand.TYPE.ID_DYLIB]
check("it needs libSystem and no other library", needed == ["/usr/lib/libSystem.B.dylib"], needed)
lists = re.split(r"\n---", open(given["libsystem"]).read())
words = r"'?((?:_|dyld_)\w+(?:\$\w+)?)'?"
exports = {name for part in lists for name in re.findall(words, part)}
undefined = sorted({binding.symbol.name for binding in image.bindings if binding.has_symbol})
missing = [name for name in undefined if name not in exports]
check("libSystem has each symbol that it needs", undefined and not missing, missing)
imported = sorted(symbol.name for symbol in image.imported_symbols if symbol.name not in undefined)
check("nothing is undefined and unbound", not [name for name in imported if name != "dyld_stub_binder"], imported)

# The initializer.
initializers = next((section for section in image.sections if section.name == "__mod_init_func"), None)
check("it has one initializer", initializers is not None and initializers.size == 8)

# The pairs.
section = next((section for section in image.sections if section.name == "__interpose"), None)
check("it has a section __DATA,__interpose", section is not None and section.segment.name == "__DATA")
start, end = section.virtual_address, section.virtual_address + section.size
bound = {binding.address: binding for binding in image.bindings if binding.has_symbol}
content = bytes(section.content)
pairs = {}
for at in range(0, section.size - 15, 16):
    binding = bound.get(start + at + 8)
    pairs[binding.symbol.name if binding else f"nothing at {at}"] = struct.unpack_from("<Q", content, at)[0]
wanted = {"_" + hook["symbol"]: hook["fixed"] for hook in given["hooks"]}
check("it has as many pairs as there are hooks", section.size == 16 * len(wanted) == 16 * len(pairs),
      f"{section.size / 16} pairs, {len(wanted)} hooks")
check("no two hooks have one replacement", len(set(pairs.values())) == len(pairs))

text = next(section for section in image.sections if section.name == "__text")
code = bytes(text.content)
for symbol, fixed in wanted.items():
    replacement = pairs.get(symbol)
    if replacement is None:
        check(f"{symbol} is interposed", False, "no pair is bound to it")
        continue
    library = bound[next(start + at + 8 for at in range(0, section.size, 16)
                         if bound[start + at + 8].symbol.name == symbol)].library
    at = replacement - text.virtual_address
    is_sound = 0 <= at < len(code) and library is not None and library.name == "/usr/lib/libSystem.B.dylib"
    if is_arm and is_sound:
        # `ldr xN, [sp]`: N is the first argument that Apple's callers put on the stack.
        takes_from_stack = struct.unpack_from("<I", code, at)[0] == (0xF94003E0 | fixed)
        is_sound = takes_from_stack == (fixed != 0)
    check(f"{symbol} is interposed", is_sound, f"replacement at {replacement:#x}, bound to {library}")

# The table that Linux has, too: what libsystem_kernel has of it is interposed, or there is a reason.
kernel = next(part for part in lists if re.search(r"install-name:\s+'/usr/lib/system/libsystem_kernel.dylib'", part))
here = {name for name in re.findall(words, kernel)}
for name in given["table"]:
    if "_" + name in here:
        is_hooked = "_" + name in wanted
        is_left_out = name in given["left_out"]
        check(f"{name} of the table is interposed" + (", or left out for a reason" if is_left_out else ""),
              is_hooked != is_left_out, "both" if is_hooked else "neither, and libsystem_kernel has it")
