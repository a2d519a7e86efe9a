"""Says how often the classifier is right about the other rows: evaluate.py MODEL TEST > SCORE."""
import csv
import json
import pickle
import sys

with open(sys.argv[1], "rb") as source:
    model = pickle.load(source)
with open(sys.argv[2], newline="") as source:
    rows = [(float(row[0]), float(row[1]), int(row[2])) for row in csv.reader(source)]
right = sum(int(found == row[2]) for found, row in zip(model.predict([row[:2] for row in rows]), rows))
json.dump({"rows": len(rows), "right": right}, sys.stdout)
