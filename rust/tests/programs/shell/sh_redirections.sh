# Every redirection of a shell.
set -e
: > emptied
> made
echo more >> appended
cat < in > copied
cat <<END > here
text
END
{ echo one; echo two; } > group
exec 3< by_number 4> number_out
read -r line <&3
echo "$line" >&4
exec 3<&- 4>&-
cat in 2>&1 > both
cat 0<> readwrite > /dev/null
