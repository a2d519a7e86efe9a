"""Draws the rows as points: plot.py TEST OUT."""
import csv
import sys

with open(sys.argv[1], newline="") as source, open(sys.argv[2], "w") as out:
    out.write('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 200">\n')
    for length, width, kind in csv.reader(source):
        colour = ("#07a", "#c50")[int(kind)]
        out.write(f'<circle cx="{float(length) * 50:.1f}" cy="{200 - float(width) * 60:.1f}" r="3" fill="{colour}"/>\n')
    out.write("</svg>\n")
