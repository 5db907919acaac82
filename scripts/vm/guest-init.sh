#!/bin/sh
# Process 1 of a test guest: brings its card up as /proc/cmdline says, then runs each line that comes in on the serial port and answers
# `END status`. There is nothing else in the guest.
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs tmp /tmp
for word in $(cat /proc/cmdline); do case $word in g.*=*) eval "G_${word#g.}" ;; esac; done
for module in failover net_failover $G_mods; do insmod "/modules/$module.ko"; done 2>/dev/null
tries=0; while [ ! -e /sys/class/net/eth0 ] && [ $tries -lt 250 ]; do sleep 0.02; tries=$((tries + 1)); done
ip link set lo up; ip addr add "$G_ip" dev eth0; ip link set eth0 up
stty -echo -onlcr
echo "READY $G_name $(cat /sys/class/net/eth0/address)"
while read -r line; do eval "$line"; echo "END $?"; done
poweroff -f
