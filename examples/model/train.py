"""Fits a classifier to three quarters of the rows: train.py IN MODEL TEST."""
import csv
import pickle
import sys

from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split

with open(sys.argv[1], newline="") as source:
    rows = [(float(row["length"]), float(row["width"]), int(row["kind"])) for row in csv.DictReader(source)]
train, test = train_test_split(rows, random_state=3)
model = LogisticRegression(random_state=3).fit([row[:2] for row in train], [row[2] for row in train])
with open(sys.argv[2], "wb") as out:
    pickle.dump(model, out)
with open(sys.argv[3], "w", newline="") as out:
    csv.writer(out).writerows(test)
