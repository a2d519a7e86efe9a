#!/bin/sh
# Drops repeated and incomplete observations and readings that no thermometer shows: clean.sh RAW CLEAN
set -eu
awk -F, '
  NR == 1 { print; next }
  seen[$1, $2]++ { next }
  $3 == "NA" || $3 == "" || $4 == "" { next }
  $3 < -60 || $3 > 60 { next }
  { print }
' "$1" > "$2"
