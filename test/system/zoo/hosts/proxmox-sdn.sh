# Proxmox SDN: a VNet in a VXLAN zone whose ports are isolated, without an address of the host's.
# pings: none
build() {
  ip link add "$nic" type veth peer name far
  ip address add "$net.2/24" dev "$nic"
  ip link set "$nic" up
  ip link set far up
  ip link add "vxlan_$guest" mtu 1450 type vxlan id 10000 dstport 4789 local "$net.2" nolearning
  bridge fdb append 00:00:00:00:00:00 dev "vxlan_$guest" dst "$net.3"
  bridge_with "vnet$number"
  ip link set "vnet$number" mtu 1450
  ip link set "vxlan_$guest" master "vnet$number" up
  bridge link set dev "vxlan_$guest" learning off
  for i in 1 2 3 4 5; do
    vm "tap$number${i}i0" "bc:24:11:$drawn:0$i" "10.1.1.$i" "10.1.1.$((i % 5 + 1))" "vnet$number" talks -id "$number$i" -name "$guest$i" \
      -netdev "type=tap,id=net0,ifname=tap$number${i}i0"
    bridge link set dev "tap$number${i}i0" isolated on
  done
}

fault_isolated() { bridge link set dev "tap${number}3i0" isolated off; }
cause_isolated="tap${number}3i0 is not isolated"
