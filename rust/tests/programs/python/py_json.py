"""Reads JSON, changes it, writes it elsewhere; `with` closes both."""

import json

with open("in.json") as file:
    data = json.load(file)
data["more"] = [1, 2, 3]
with open("out.json", "w") as file:
    json.dump(data, file)
