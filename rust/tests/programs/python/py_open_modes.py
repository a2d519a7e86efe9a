"""Every mode of open(), and what is never read."""

import os

open("unread", "rb").close()
open("empty", "w").close()
with open("append", "a") as file:
    file.write("more")
with open("exclusive", "x") as file:
    file.write("new")
with open("update", "r+") as file:
    file.write("NEW")
with open("read_update", "r+") as file:
    file.read()
    file.write("more")
with open("only_read", "r+b") as file:
    assert file.read() == b"content"
with open("both", "w+") as file:
    file.write("own")
    file.seek(0)
    assert file.read() == "own"
with open("unbuffered", "wb", buffering=0) as file:
    file.write(b"new")
with open(os.open("by_fd", os.O_RDONLY)) as file:
    assert file.read() == "content"
