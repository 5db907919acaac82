# Two NICs in one LAN, a bridge on each: the guests of one bridge are heard at the other's NIC.
build() {
  lan
  outward "$nic" 1 "$lan"
  outward "${nic}b" 2 "$lan"
  nsenter -t "$lan" -n ip link set eth1 master lan0
  nsenter -t "$lan" -n ip link set eth2 master lan0
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
link add lan0 type bridge forward_delay 0
link set lan0 up
address add $net.1/24 dev lan0
END
}

fault_learning() { learn_nothing "vnet${number}5" "52:54:00:$drawn:05"; }
cause_learning="vnet${number}5 learns no MAC"

fault_ageing() { ip link set "${bridge}2" type bridge ageing_time 0; }
cause_ageing='ageing'
