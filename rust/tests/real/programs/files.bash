# Pipes, here documents, substitutions, descriptors, coprocesses, traps.
set -o pipefail
while read -r line; do printf '%s\n' "$line"; done < in/0 | sort | uniq -c | tee out/tee | wc -l
cat <<END > out/document
line $(cat in/1)
END
diff <(sort in/2) <(sort in/3) > out/difference
exec 7<>out/both
echo text >&7
exec 7>&-
: > out/empty
mapfile -t lines < in/4
printf '%s\n' "${lines[@]}" >> out/appended
coproc tr a-z A-Z
# Bash closes it when the process has ended.
exec 8<&"${COPROC[0]}"
cat in/5 >&"${COPROC[1]}"
exec {COPROC[1]}>&-
cat <&8 > out/coprocess
(trap 'echo end > out/trap' EXIT; . ./sourced)
text=$(< in/6)
echo "$text" > out/substituted
seq 10 12 | xargs -P 3 -I{} cp in/{} out/
sed -i s/x/y/ edited
set -C
echo text > out/new
ls out | head -2
