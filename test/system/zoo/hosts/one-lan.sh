# Two NICs in one LAN, a bridge on each: the guests of one bridge are heard at the other's NIC.
build() {
  lan
  lan_nic "$nic" 1
  lan_nic "${nic}b" 2
  bridge_with "$bridge" "$nic"
  bridge_with "${bridge}2" "${nic}b"
  ip address add "$net.2/24" dev "$bridge"
  ip route add default via "$net.1"
  for i in 1 2 3; do libvirt_vm "$i" "$net.1$i" "$net.1" "$bridge"; done
  for i in 4 5 6; do libvirt_vm "$i" "$net.1$i" "$net.1" "${bridge}2"; done
}

# A switch with a gateway, in a namespace
lan() {
  lan=$(space)
  nsenter -t "$lan" -n ip -batch - <<END
link set lo up
link add lan0 type bridge forward_delay 0
link set lan0 up
address add $net.1/24 dev lan0
END
}

# lan_nic NAME NUMBER
lan_nic() {
  local near
  near=$(space)
  nsenter -t "$near" -n ip -batch - <<END
link set lo up
link add near mtu 1600 type veth peer name far$2 mtu 1600 netns $lan
link set near up
address add 169.254.$2.1/30 dev near
link add $1 mtu 1500 type vxlan id $2 local 169.254.$2.1 remote 169.254.$2.2 dstport 480$2
link set $1 netns 1
END
  nsenter -t "$lan" -n ip -batch - <<END
link set far$2 up
address add 169.254.$2.2/30 dev far$2
link add lan$2 mtu 1500 type vxlan id $2 local 169.254.$2.2 remote 169.254.$2.1 dstport 480$2
link set lan$2 master lan0
link set lan$2 up
END
  ip link set "$1" up
}

fault_learning() { learn_nothing "vnet${number}5" "52:54:00:$drawn:05"; }
cause_learning="vnet${number}5 learns no MAC"

fault_ageing() { ip link set "${bridge}2" type bridge ageing_time 0; }
cause_ageing='ageing'
