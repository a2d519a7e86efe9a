# A log is rotated, a file written beside and moved, a lock made and removed.
set -e
set -C; : > lock; set +C
mv log log.1
echo new > log
sort data > data.tmp
mv data.tmp data
rm lock
