"""A temporary file that takes the place of the real one, and temporary files that go."""

import os
import tempfile

with open("config") as file:
    text = file.read()
handle, name = tempfile.mkstemp(dir=".", prefix="new-")
with open(handle, "w") as file:
    file.write(text + "more")
os.replace(name, "config")
with tempfile.NamedTemporaryFile(dir=".", prefix="own-") as file:
    file.write(b"own")
    file.flush()
with tempfile.TemporaryDirectory(dir=".", prefix="dir-") as directory:
    with open(os.path.join(directory, "inside"), "w") as file:
        file.write("own")
