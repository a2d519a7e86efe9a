"""What hatchling runs before it makes a wheel: compiles roar's programs and says which systems they run on.

The scripts of the wheel are the programs themselves, so `roar` in an environment's `bin` starts as fast as it does anywhere.
"""

import os
import pathlib
import re
import subprocess
import sysconfig

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Which profile of the workspace is compiled, instead of `dist`; for tests, which have compiled another already.
PROFILE = "ROAR_WHEEL_PROFILE"

# The packages of the workspace, and what cargo makes of each.
PROGRAMS = {
    "roar": "roar",
    "tracer-ptrace": "roar-tracer-ptrace",
    "tracer-preload": "roar-tracer-preload",
    "tracer-preload-library": "libroar_preload.so",
    "tracer-ebpf": "roar-tracer-ebpf",
}

# The oldest glibc that manylinux has a name for.
OLDEST_GLIBC = (2, 5)


class Programs(BuildHookInterface):
    def initialize(self, version, build_data):
        workspace = pathlib.Path(self.root, "rust")
        profile = os.environ.get(PROFILE, "dist")
        packages = [word for package in PROGRAMS for word in ("--package", package)]
        subprocess.run(["cargo", "build", "--locked", "--profile", profile, *packages], cwd=workspace, check=True)
        made = "debug" if profile == "dev" else profile
        folder = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", workspace / "target"), made)
        programs = [folder / program for program in PROGRAMS.values()]
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform(programs)}"
        build_data["shared_scripts"] = {str(program): program.name for program in programs}


def platform(programs):
    """Returns the platform tag: the oldest glibc that has every symbol the programs need."""
    machine = sysconfig.get_platform().removeprefix("linux-").replace("-", "_").replace(".", "_")
    versions = [found for program in programs for found in re.findall(rb"\0GLIBC_(\d+)\.(\d+)", program.read_bytes())]
    newest = max([tuple(map(int, version)) for version in versions], default=OLDEST_GLIBC)
    major, minor = max(newest, OLDEST_GLIBC)
    return f"manylinux_{major}_{minor}_{machine}"
