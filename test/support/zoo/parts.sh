# Parts of a host, for test/system/zoo/hosts. Programs lie in $zoo; what has to be known later is kept there as well.
export LC_ALL=C

# Starts a program that goes on
daemon() { ("$@" >>"$zoo/log" 2>&1 </dev/null &); }

# account NAME NUMBER: one that installing a package would make
account() {
  for file in passwd group; do
    grep -q "^$1:" "/etc/$file" || echo "$1:x:$2:$([ "$file" = group ] || echo "$2::/:/bin/false")" >>"/etc/$file"
  done
}

# A process in a network namespace of its own; prints its number
space() {
  setsid unshare -n sleep infinity >/dev/null 2>&1 </dev/null &
  until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
  echo $!
}

# outward NAME NUMBER NAMESPACE: what leads to a network, as ethNUMBER there. A VXLAN device is taken for an uplink, as
# a NIC is; a veth would be taken for a guest's. What it stands on is in a namespace of its own.
outward() {
  local near
  near=$(space)
  nsenter -t "$near" -n ip -batch - <<END
link set lo up
link add near mtu 1600 type veth peer name far$2 mtu 1600 netns $3
link set near up
address add 169.254.$2.1/30 dev near
link add $1 mtu 1500 type vxlan id $2 local 169.254.$2.1 remote 169.254.$2.2 dstport 4790
link set $1 netns 1
END
  nsenter -t "$3" -n ip -batch - <<END
link set lo up
link set far$2 up
address add 169.254.$2.2/30 dev far$2
link add eth$2 mtu 1500 type vxlan id $2 local 169.254.$2.2 remote 169.254.$2.1 dstport 4790
link set eth$2 up
END
  ip link set "$1" up
}

# nic NAME GATEWAY/LENGTH: what leads to a network with a gateway
nic() {
  local far
  far=$(space)
  outward "$1" 9 "$far"
  nsenter -t "$far" -n ip address add "$2" dev eth9
}

# bridge_with NAME PORT…
bridge_with() {
  ip link add "$1" type bridge forward_delay 0
  ip link set "$1" up
  for port in "${@:2}"; do ip link set "$port" master "$1" up; done
}

# host_on_nic [BRIDGE]: the host's address and default route, on its NIC or on a bridge of which the NIC is a port
host_on_nic() {
  nic "$nic" "$net.1/24"
  [ $# = 0 ] || bridge_with "$1" "$nic"
  ip address add "$net.2/24" dev "${1:-$nic}"
  ip route add default via "$net.1"
}

# learn_nothing PORT MAC: the bridge forgets what it learned there, and learns no more
learn_nothing() {
  bridge link set dev "$1" learning off
  bridge fdb del "$2" dev "$1" master || true
}

# vm TAP MAC ADDRESS TARGET BRIDGE|- talks|silent [words of the monitor's command line]
vm() {
  ip link show "$1" >/dev/null 2>&1 || ip tuntap add dev "$1" mode tap
  [ "$5" = - ] || ip link set "$1" master "$5"
  ip link set "$1" up
  "${monitor:-$zoo/qemu-system-x86_64}" "$1" "$2" "$3" "$4" "$zoo/stats.$1" "${@:6}" >>"$zoo/log" 2>&1 </dev/null &
  echo $! >>"$zoo/vms"
}

# libvirt_vm NUMBER ADDRESS TARGET BRIDGE
libvirt_vm() {
  vm "vnet$number$1" "52:54:00:$drawn:0$1" "$2" "$3" "$4" talks -name "guest=$guest$1" -netdev "tap,ifname=vnet$number$1"
}

# container NAME PORT MAC ADDRESS/LENGTH BRIDGE|-: a namespace with a process in it, at the end of a veth
container() {
  local pid
  pid=$(space)
  mkdir -p /run/netns
  ip netns attach "$1" "$pid"
  ip link add "$2" type veth peer name eth0 address "$3" netns "$1"
  [ "$5" = - ] || ip link set "$2" master "$5"
  ip link set "$2" up
  ip -n "$1" link set lo up
  ip -n "$1" link set eth0 up
  ip -n "$1" address add "$4" dev eth0
}

# talks NAME ADDRESS: this container pings it while the run goes on
talks() { echo "$1 $2" >>"$zoo/talks"; }

# relay DEVICE MAC ADDRESS: VMware's bridge holds the device, with a machine behind it
relay() { daemon "$zoo/vmnet-bridge" "$@"; }

start_pings() {
  [ -e "$zoo/talks" ] && while read -r name to; do
    ip netns exec "$name" ping -i 0.1 -q "$to" >"$zoo/ping.$name" 2>&1 </dev/null &
    echo $! >>"$zoo/pings"
  done <"$zoo/talks"
  sleep 1.2
  reset_pings
}

reset_pings() {
  [ ! -e "$zoo/vms" ] || kill -USR1 $(cat "$zoo/vms")
  sleep 0.3
}

# "SENT LOST" of all guests since the last reset; the last ping of a container may be on its way
lost_pings() {
  reset_pings
  [ ! -e "$zoo/pings" ] || { kill -INT $(cat "$zoo/pings") && sleep 0.5; }
  {
    cat "$zoo"/stats.* 2>/dev/null || true
    sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\) received.*/\1 \2 1/p' "$zoo"/ping.* 2>/dev/null || true
  } | awk '{ lost = $1 - $2; sent += $1; if (lost > $3) sum += lost } END { print sent + 0, sum + 0 }'
}

# What a run has to leave as it was: links and their settings, rules, disciplines and filters, routes, entries that
# somebody made, and sysctls of networks
state() {
  ip -d -o link show | sed -E 's/ [a-z_]*(timer|fdb_n_learned)[a-z_]* +[0-9.]+//g; s/ topology_change(_ack|_detected)? [01]//g'
  bridge -d link show
  nft -s list ruleset 2>/dev/null
  tc qdisc show | sed 's/direct_packets_stat [0-9]*//'
  for device in $(ls /sys/class/net); do
    tc filter show dev "$device" ingress 2>/dev/null
    tc filter show dev "$device" egress 2>/dev/null
  done
  ip rule
  ip route show table all | grep -v 'expires\|cache'
  bridge fdb show | grep -E 'permanent|static'
  sysctl -a 2>/dev/null | grep '^net\.' |
    grep -vE 'nf_conntrack_count|random|netdev_rss|tcp_fastopen_key|retrans_time|base_reachable|(tcp|udp)_mem'
  ls /run/verify-isolation 2>/dev/null || true
}

# Open vSwitch of this host alone, in user space
open_vswitch() {
  export OVS_RUNDIR=/run/openvswitch OVS_LOGDIR=/run/openvswitch OVS_DBDIR=/run/openvswitch OVS_SYSCONFDIR=/run/openvswitch
  mkdir -p "$OVS_RUNDIR"
  ovsdb-tool create "$OVS_DBDIR/conf.db" /usr/share/openvswitch/vswitch.ovsschema
  ovsdb-server "$OVS_DBDIR/conf.db" --remote="punix:$OVS_RUNDIR/db.sock" --pidfile --detach --no-chdir --log-file -vconsole:off
  ovs-vsctl --no-wait init
  PATH=$PATH:/usr/lib/openvswitch-switch ovs-vswitchd "unix:$OVS_RUNDIR/db.sock" --pidfile --detach --no-chdir --log-file -vconsole:off
}
