# Rates of guests, as libvirt's <bandwidth> and Proxmox's rate= set them.
build() {
  nic "$nic" "$net.1/24"
  bridge_with "$bridge" "$nic"
  ip address add "$net.2/24" dev "$bridge"
  ip route add default via "$net.1"
  for i in 1 2 3 4; do
    vm "vnet$number$i" "52:54:00:$drawn:0$i" "$net.1$i" "$net.2" "$bridge" talks -name "guest=$guest$i" -netdev "tap,ifname=vnet$number$i"
    tc qdisc add dev "vnet$number$i" root handle 1: htb default 1
    tc class add dev "vnet$number$i" parent 1: classid 1:1 htb rate 100mbit ceil 200mbit
  done
}

fault_ageing() { ip link set "$bridge" type bridge ageing_time 0; }
cause_ageing='ageing'
