#!/busybox sh
# The first process of the guest: makes it look like a Debian machine, runs the suite and powers off.
bb=/busybox
export PATH=/usr/bin:/usr/sbin
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs devtmpfs /dev
$bb mkdir -p /dev/shm /dev/pts /scratch
$bb mount -t tmpfs tmpfs /dev/shm
$bb mount -t devpts devpts /dev/pts
# Not over /tmp: the checkout may have been below it, and the suite looks for its files where they were.
$bb mount -t tmpfs tmpfs /scratch
$bb ln -s /proc/self/fd /dev/fd
for n in 0:stdin 1:stdout 2:stderr; do $bb ln -s "/proc/self/fd/${n%:*}" "/dev/${n#*:}"; done
# What packages do when they are installed.
[ -e /usr/bin/sh ] || $bb ln -s dash /usr/bin/sh
[ -e /usr/bin/awk ] || $bb ln -s mawk /usr/bin/awk
$bb cat > /etc/passwd <<'PASSWD'
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
PASSWD

echo "guest: Linux $($bb uname -r) $($bb uname -m)"
cd /scratch || exit
TMPDIR=/scratch ROAR_BIN=/roar/roar /suite --color never --test-threads 2 {arguments}
echo "guest: suite ended with $?"
$bb poweroff -f
