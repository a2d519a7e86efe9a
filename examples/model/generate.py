"""Makes measurements of two kinds of flowers, some of them damaged: generate.py OUT."""
import csv
import random
import sys

random.seed(7)
with open(sys.argv[1], "w", newline="") as out:
    rows = csv.writer(out)
    rows.writerow(["length", "width", "kind"])
    for number in range(400):
        kind = number % 2
        length, width = random.gauss(4 + 1.5 * kind, 0.6), random.gauss(1.2 + 0.6 * kind, 0.3)
        rows.writerow(["" if number % 37 == 0 else f"{length:.3f}", f"{width:.3f}", kind])
