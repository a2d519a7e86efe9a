"""The wheel: what is in it, where it may be installed, and that what it installs works."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

CHECKOUT = pathlib.Path(__file__).parents[2]
PROGRAMS = {"roar", "roar-tracer-ptrace", "roar-tracer-preload", "roar-tracer-ebpf", "libroar_preload.so"}


def test_the_wheel_has_the_programs_and_the_package_and_needs_nothing(wheel):
    archive = zipfile.ZipFile(wheel)
    names = archive.namelist()
    assert {pathlib.PurePath(name).name for name in names if "/scripts/" in name} == PROGRAMS
    assert {"roar.pth", "roar/__init__.py", "roar/start.py", "roar/backends/ray/hooks.py"} <= set(names)
    metadata = next(name for name in names if name.endswith("METADATA"))
    assert b"Requires-Dist" not in archive.read(metadata)


def test_the_wheel_is_as_small_as_is_said(wheel):
    # docs/ray.md says so.
    assert wheel.stat().st_size < 8_000_000


def test_the_platform_tag_is_the_one_that_auditwheel_finds(wheel):
    said = subprocess.run([sys.executable, "-m", "auditwheel", "show", wheel], capture_output=True, text=True, check=True).stdout
    tag = re.search(r"manylinux_\d+_\d+_\w+(?=\.whl)", wheel.name).group()
    assert f'"{tag}"' in said, said


def test_installed_into_an_empty_environment_it_runs_the_example(wheel, tmp_path):
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [environment / "bin/pip", "install", "--quiet", "--no-index", "--disable-pip-version-check", wheel]
    subprocess.run(pip, check=True)
    roar = environment / "bin/roar"
    # What starts is the program itself, so it starts as fast as it does anywhere; a script of Python before it would take ten times as long.
    assert roar.read_bytes()[:4] == b"\x7fELF"
    archive = zipfile.ZipFile(wheel)
    [packed] = [name for name in archive.namelist() if name.endswith("/scripts/roar")]
    assert roar.read_bytes() == archive.read(packed)
    weather = tmp_path / "weather"
    shutil.copytree(CHECKOUT / "examples/weather", weather, ignore=shutil.ignore_patterns(".roar", "out"))
    (weather / "out").mkdir()
    variables = {**os.environ, "HOME": str(tmp_path), "PATH": f"{environment / 'bin'}:{os.environ['PATH']}"}

    def run(*command):
        return subprocess.run(command, cwd=weather, env=variables, check=True, capture_output=True, text=True)

    run(roar, "init", "-n")
    for backend in ["ptrace", "preload"]:
        run(roar, "run", "--tracer", backend, "--no-tracer-fallback", "./clean.sh", "data/observations.csv", "out/clean.csv")
        shown = run(roar, "show", "@last").stdout
        assert "data/observations.csv" in shown and "out/clean.csv" in shown, shown


def test_python_that_roar_does_not_run_imports_nothing_of_it():
    code = "import sys; print([name for name in sys.modules if name.startswith('roar')])"
    variables = {name: value for name, value in os.environ.items() if name != "ROAR_TASKS"}
    said = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
