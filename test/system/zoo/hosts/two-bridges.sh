# A bridge on the NIC beside libvirt's default network, which is behind NAT.
build() {
  nic "$nic" "$net.1/24"
  bridge_with "$bridge" "$nic"
  ip address add "$net.2/24" dev "$bridge"
  ip route add default via "$net.1"
  bridge_with "virbr$number"
  ip address add 192.168.122.1/24 dev "virbr$number"
  sysctl -qw net.ipv4.ip_forward=1
  nft -f - <<'END'
table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat
    ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 masquerade
  }
}
END
  for i in 1 2 3; do vm "vnet$number$i" "52:54:00:$drawn:0$i" "$net.1$i" "$net.2" "$bridge" talks -name "guest=$guest$i" -netdev "tap,ifname=vnet$number$i"; done
  for i in 4 5 6; do vm "vnet$number$i" "52:54:00:$drawn:0$i" "192.168.122.1$i" 192.168.122.1 "virbr$number" talks -name "guest=nat$i" -netdev "tap,ifname=vnet$number$i"; done
}

fault_ageing() { ip link set "$bridge" type bridge ageing_time 0; }
cause_ageing='ageing'
