#!/bin/sh
# The first process of the guest (see ../test-cloud.mjs), whose root is this machine's file system, read-only: lays memory over it for what
# is written, loads modules, runs the command in the shared folder, leaves its exit status there.
# The kernel hands words of its command line that it does not know, such as VM_MODULES, to its first process as environment.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
modprobe -d "$VM_MODULES" overlay || { echo "guest: no overlay"; echo o >/proc/sysrq-trigger; sleep 9; }
mkdir /run/written /run/root
mount -t tmpfs -o size=90% tmpfs /run/written
mkdir /run/written/upper /run/written/work
mount -t overlay overlay -o lowerdir=/,upperdir=/run/written/upper,workdir=/run/written/work /run/root
cd /run/root || exit
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t devtmpfs devtmpfs dev
mkdir -p dev/shm dev/pts usr/lib/modules
mount -t tmpfs tmpfs dev/shm
mount -t devpts devpts dev/pts
[ -e dev/fd ] || ln -s /proc/self/fd dev/fd
mount -t tmpfs tmpfs run
mkdir -m 1777 run/tmp
mkdir run/netns run/lock run/out
mount -t virtiofs out run/out
# modprobe finds them where it looks, also when the kernel asks for one by itself
mount --bind "$VM_MODULES/lib/modules" usr/lib/modules
# The new root is mounted over the old one: a root by chroot alone refuses user namespaces.
mount --move . /
exec chroot . sh -c '
for module in ipv6 bridge 8021q veth tun macvlan ipvlan macvtap dummy ifb bonding vhost_net openvswitch br_netfilter nf_tables sch_ingress sch_htb cls_u32 cls_bpf cls_matchall act_mirred; do
  modprobe "$module" || echo "guest: this kernel has no $module" >&2
done
ip link set dev lo up
sh /run/out/command
echo $? >/run/out/status
sync
echo o >/proc/sysrq-trigger
sleep 60'
