# A KVM host whose administrator records its NIC.
build() {
  nic "$nic" "$net.1/24"
  bridge_with "$bridge" "$nic"
  ip address add "$net.2/24" dev "$bridge"
  ip route add default via "$net.1"
  for i in 1 2 3; do vm "vnet$number$i" "52:54:00:$drawn:0$i" "$net.1$i" "$net.2" "$bridge" talks -name "guest=$guest$i" -netdev "tap,ifname=vnet$number$i"; done
  daemon tcpdump -Z root -i "$nic" -w /run/nic.pcap
  sleep 1
}

fault_learning() {
  bridge link set dev "vnet${number}2" learning off
  bridge fdb del "52:54:00:$drawn:02" dev "vnet${number}2" master || true
}
cause_learning="vnet${number}2"
