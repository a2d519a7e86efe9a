"""Leaves out rows in which something is missing: clean.py IN OUT."""
import csv
import sys

with open(sys.argv[1], newline="") as source, open(sys.argv[2], "w", newline="") as out:
    rows = csv.writer(out)
    rows.writerows(row for row in csv.reader(source) if all(row))
