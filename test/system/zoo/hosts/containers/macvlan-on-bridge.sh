# Docker's macvlan network with the bridge of virtual machines as its parent.
build() {
  host_on_nic "$bridge"
  for i in 1 2 3; do libvirt_vm $i "$net.1$i" "$net.1" "$bridge"; done
  pid=$(space)
  mkdir -p /run/netns
  ip netns attach "$guest-c1" "$pid"
  ip link add link "$bridge" name eth0 address 02:42:ac:00:00:01 netns "$guest-c1" type macvlan mode bridge
  ip -n "$guest-c1" link set eth0 up
  ip -n "$guest-c1" address add "$net.21/24" dev eth0
  talks "$guest-c1" "$net.1"
}

fault_learning() { learn_nothing "vnet${number}2" "52:54:00:$drawn:02"; }
cause_learning='learns no MAC'
