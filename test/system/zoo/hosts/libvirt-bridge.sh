# A KVM host by the book: a bridge on the NIC with the host's address, machines of libvirt that talk to the LAN alone.
build() {
  nic "$nic" "$net.1/24"
  bridge_with "$bridge" "$nic"
  ip address add "$net.2/24" dev "$bridge"
  ip route add default via "$net.1"
  for i in 1 2 3; do
    vm "vnet$number$i" "52:54:00:$drawn:0$i" "$net.1$i" "$net.1" "$bridge" talks -name "guest=$guest$i" -netdev "tap,ifname=vnet$number$i"
  done
}

fault_learning() {
  bridge link set dev "vnet${number}2" learning off
  bridge fdb del "52:54:00:$drawn:02" dev "vnet${number}2" master || true
}
cause_learning="vnet${number}2"

fault_ageing() { ip link set "$bridge" type bridge ageing_time 0; }
cause_ageing='ageing'
