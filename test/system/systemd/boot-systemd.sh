#!/bin/bash
# boot-systemd.sh SCRATCH REPOSITORY NODE DRIVER: boots systemd as pid 1 of namespaces that the caller made (unshare), on a copy-on-write view of this machine's
# files, with the units of contrib/systemd and a bridge br0 with four guests; it runs DRIVER of this folder, whose output goes to SCRATCH/said, and ends.
set -e
scratch=$1 repository=$2 node=$3 driver=$4
root=$scratch/root
mkdir "$scratch/layers" "$root"
mount -t tmpfs tmpfs "$scratch/layers"
mkdir "$scratch/layers/upper" "$scratch/layers/work"
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/layers/upper,workdir=$scratch/layers/work" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
mount -t tmpfs -o mode=0755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o mode=0755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/dev/mqueue" "$root/dev/hugepages"
mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666
ln -s /proc/self/fd "$root/dev/fd"
ln -s pts/ptmx "$root/dev/ptmx"
# systemd wants the one hierarchy, whatever this machine has
mount -t tmpfs tmpfs "$root/sys/fs/cgroup"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
# Below /opt, since ProtectHome= hides the folders in which they may be
mkdir -p "$root/opt/program" "$root/opt/said" "$root/usr/local/bin" "$root/etc/verify-isolation"
mount --bind "$repository" "$root/opt/program"
mount --bind "$scratch/said" "$root/opt/said"
touch "$root/opt/node"
mount --bind "$node" "$root/opt/node"
printf '#!/bin/sh\nexec /opt/node /opt/program/dist/cli.cjs "$@"\n' >"$root/usr/local/bin/verify-isolation"
chmod 755 "$root/usr/local/bin/verify-isolation"
# Nothing of this machine's own is started
rm -rf "$root/etc/systemd/system"
mkdir "$root/etc/systemd/system"
cp "$repository"/contrib/systemd/* "$root/etc/systemd/system/"
for unit in systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service systemd-networkd.service systemd-timesyncd.service systemd-logind.service; do
  ln -s /dev/null "$root/etc/systemd/system/$unit"
done
cat >"$root/etc/systemd/system/driver.service" <<UNIT
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /opt/program/test/system/systemd/$driver
StandardOutput=append:/opt/said/out
StandardError=append:/opt/said/err
ExecStopPost=/bin/systemctl exit 0 --no-block
UNIT

ip link set dev lo up
ip link add dev br0 type bridge forward_delay 0
ip link set dev br0 up
here=$(readlink /proc/self/ns/net)
for at in 0 1 2 3; do
  unshare --net sleep 600 &
  guest=$!
  until [ "$(readlink /proc/$guest/ns/net)" != "$here" ]; do sleep 0.01; done
  ip link add dev "vnet$at" type veth peer name eth0 address "52:54:00:00:00:0$at" netns "$guest"
  ip link set dev "vnet$at" master br0 up
  nsenter -t "$guest" -n sh -c "ip address add 10.77.0.$((at + 1))/24 dev eth0 && ip link set dev eth0 up"
  [ "$at" = 0 ] || nsenter -t "$guest" -n ping -c 1 -W 5 10.77.0.1 >/dev/null
done

# Somebody listens, who is another user
setpriv --reuid 4321 --regid 4321 --clear-groups --inh-caps=-all,+net_raw --ambient-caps=-all,+net_raw \
  perl -e 'socket(my $s, 17, 3, 0x0300) or die; sleep 600' &

cd "$root"
mkdir old
pivot_root . old
exec chroot . /bin/sh -c 'umount -l /old; exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/lib/systemd/systemd --unit=driver.service --show-status=0 --log-level=warning'
