#!/bin/sh
# Writes the monthly table as a page, through a temporary file, so that a reader never finds half of it:
# report.sh MONTHLY REPORT
set -eu
{
  printf '# Weather by month\n\n'
  awk -F, '
    NR == 1 { print "| station | month | days | mean °C | rain mm |"; print "|---|---|---:|---:|---:|"; next }
    { printf "| %s | %s | %s | %s | %s |\n", $1, $2, $3, $4, $5; rain[$1] += $5 }
    END {
      for (station in rain) if (rain[station] > most) { most = rain[station]; wettest = station }
      printf "\nMost rain: %s, %.1f mm.\n", wettest, most
    }
  ' "$1"
} > "$2.new"
mv "$2.new" "$2"
