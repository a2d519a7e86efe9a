# What a system call takes: without a tracer, in a process beside a traced one, and in a traced one.
# A run that lasts is counted: the tracer does with less after a moment. The clock of this machine jumps over the time that nothing happens in.
set -e
printf 0123456789abcdef > in
mkfifo begun end
trace() { roar run --quiet --tracer ebpf --no-tracer-fallback --no-hash "$@"; }

/calls bare
trace sh -c 'sleep 2; echo > begun; read -r line < end' &
read -r line < begun
/calls miss
echo > end
wait $!
trace sh -c 'sleep 2; exec /calls told'
