#!/busybox sh
# The first process of the guest: makes it look like a small machine of the host's kind, runs one command and powers off.
bb=/busybox
# Programs of this machine come first; busybox stands in for those that are not there.
export PATH=/roar:/usr/local/bin:/usr/bin:/bin:/applets
for name in bin sbin lib lib64; do
    [ -e "/$name" ] || $bb ln -s "usr/$name" "/$name"
done
$bb mkdir -p /applets /usr/bin /usr/sbin /usr/lib /usr/lib64 /etc
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs devtmpfs /dev
$bb --install -s /applets
mkdir -p /dev/shm /dev/pts /scratch
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
for module in $($bb find "/usr/lib/modules/$(uname -r)" -name '*.ko*'); do
    case $module in *.xz) $bb unxz "$module" && module=${module%.xz} ;; esac
    $bb insmod "$module" || exit
done
mount -t tracefs tracefs /sys/kernel/tracing
# Not over /tmp: the checkout may be below it, and the suite looks for its files where they are on the host.
mount -t tmpfs tmpfs /scratch
ln -s /proc/self/fd /dev/fd
for n in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/${n%:*}" "/dev/${n#*:}"; done
cat > /etc/passwd <<'PASSWD'
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
PASSWD
[ -e /bin/sh ] || ln -s /busybox /bin/sh

echo "guest: Linux $(uname -r) $(uname -m)"
cd /scratch || exit
export HOME=/root TMPDIR=/scratch LC_ALL=C
# The verifier takes seconds here, and more of them where the host is busy.
export ROAR_TRACER_PREFLIGHT_TIMEOUT_MS=60000
sh -c {command}
echo "guest: ended with $?"
poweroff -f
