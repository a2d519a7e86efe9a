"""The mmap module: for reading, and for writing."""

import mmap

with open("in", "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
    assert view[:4] == b"cont"
with open("copied", "r+b") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as view:
    view[0] = 88
with open("x", "r+b") as file, mmap.mmap(file.fileno(), 0) as view:
    view[0] = 88
