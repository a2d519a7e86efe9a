# A pipeline, a subshell, command substitution, a function, a background job that is waited for.
set -e
copy() { cat "$1" > "$2"; }
cat a b | sort | uniq > sorted
(cd d && cat in > out)
text=$(cat substituted)
echo "$text" > printed
copy f1 f2 &
wait
tee t1 t2 < a > /dev/null
