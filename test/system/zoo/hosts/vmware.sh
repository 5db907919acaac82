# VMware Workstation beside KVM: it bridges a veth of its own in the bridge, or, which is the fault, the bridge itself.
build() {
  nic "$nic" "$net.1/24"
  bridge_with "$bridge" "$nic"
  ip address add "$net.2/24" dev "$bridge"
  ip route add default via "$net.1"
  for i in 1 2 3; do vm "vnet$number$i" "52:54:00:$drawn:0$i" "$net.1$i" "$net.2" "$bridge" talks -name "guest=$guest$i" -netdev "tap,ifname=vnet$number$i"; done
  ip link add vmware0 type veth peer name vmware1
  ip link set vmware0 master "$bridge" up
  ip link set vmware1 up
  [ "$fault" = promiscuous ] || relay vmware1 "00:0c:29:$drawn:07" "$net.77"
}

fault_promiscuous() { relay "$bridge" "00:0c:29:$drawn:07" "$net.77"; }
cause_promiscuous="$bridge is promiscuous"
