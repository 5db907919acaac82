#!/bin/sh
# The first process under User-mode Linux (see test-uml.mjs): makes the machine, runs the command of $UML_DIR, leaves its exit status there.
# The kernel hands words of its command line that it does not know, such as UML_DIR, to its first process as environment.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
# What tests throw away stays in memory: the file system is the machine's own, written through.
mkdir -m 1777 /run/tmp
mkdir /dev/shm /dev/pts /run/netns
mount -t tmpfs tmpfs /dev/shm
mount -t devpts devpts /dev/pts
ln -s /proc/self/fd /dev/fd
# What the kernel asks for by itself has to be found too.
printf '#!/bin/sh\nexec modprobe -d %s "$@"\n' "$UML_DIR" >/run/modprobe
chmod 755 /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
for module in ipv6 bridge 8021q veth tun macvlan dummy openvswitch br_netfilter nf_tables sch_ingress cls_u32 cls_matchall act_mirred; do
  modprobe -d "$UML_DIR" "$module" 2>/dev/null || echo "uml: this kernel has no $module" >&2
done
ip link set dev lo up
sh "$UML_DIR/command"
echo $? >"$UML_DIR/status"
halt -f
