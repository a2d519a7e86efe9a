#!/usr/bin/env python3
"""Mean temperature and rain for each station and month: aggregate.py CLEAN STATIONS MONTHLY"""

import csv
import sys
from collections import defaultdict

clean, stations, monthly = sys.argv[1:]

with open(stations, newline="") as file:
    names = {row["station"]: row["name"] for row in csv.DictReader(file)}

days = defaultdict(list)
with open(clean, newline="") as file:
    for row in csv.DictReader(file):
        month = row["date"][:7]
        days[row["station"], month].append((float(row["temperature_c"]), float(row["rain_mm"])))

with open(monthly, "w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["station", "month", "days", "mean_temperature_c", "rain_mm"])
    for (station, month), readings in sorted(days.items()):
        mean = sum(temperature for temperature, _ in readings) / len(readings)
        rain = sum(rain for _, rain in readings)
        out.writerow([names[station], month, len(readings), f"{mean:.1f}", f"{rain:.1f}"])
