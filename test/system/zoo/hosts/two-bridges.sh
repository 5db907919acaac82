# A bridge on the NIC beside libvirt's default network, which is behind NAT.
build() {
  host_on_nic "$bridge"
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
  for i in 1 2 3; do libvirt_vm "$i" "$net.1$i" "$net.2" "$bridge"; done
  for i in 4 5 6; do libvirt_vm "$i" "192.168.122.1$i" "192.168.122.1" "virbr$number"; done
}

fault_ageing() { ip link set "$bridge" type bridge ageing_time 0; }
cause_ageing='ageing'

# a mirror of an afternoon, to a guest of the other bridge
fault_mirror() {
  tc qdisc add dev "vnet${number}4" clsact
  tc filter add dev "vnet${number}4" egress protocol all u32 match u32 0 0 \
    action mirred egress mirror dev "vnet${number}2"
}
cause_mirror='a rule or program copies frames'
