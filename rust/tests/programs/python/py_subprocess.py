"""Children by subprocess: with files as their standard streams, through a pipe, by a shell, in another directory."""

import subprocess

with open("in") as source, open("sorted", "w") as target:
    subprocess.run(["sort"], stdin=source, stdout=target, check=True)
assert subprocess.check_output(["cat", "piped"]) == b"content"
subprocess.run("cat shell > shell.out", shell=True, check=True)
subprocess.run(["cp", "in", "out"], cwd="d", env={}, executable="/bin/cp", check=True)
