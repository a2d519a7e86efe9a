"""A module of the world is imported, and its bytecode kept; read as a script from a copy of this file in the world."""

import runpy
import sys

sys.dont_write_bytecode = False
sys.path.insert(0, ".")
runpy.run_module("mod")
import mod  # noqa: E402

assert mod.VALUE == 42
