# A KVM host by the book: a bridge on the NIC, with the host's address.
build() {
  host_on_nic "$bridge"
  for i in 1 2 3; do libvirt_vm "$i" "$net.1$i" "$net.1" "$bridge"; done
}

fault_learning() {
  learn_nothing "vnet${number}2" "52:54:00:$drawn:02"
}
cause_learning="vnet${number}2"

fault_ageing() { ip link set "$bridge" type bridge ageing_time 0; }
cause_ageing='ageing'

# as against MACs that move, on the wrong port
fault_uplink() { learn_nothing "$nic" "$(bridge fdb show br "$bridge" | sed -n "s/ dev $nic master $bridge *$//p")"; }
cause_uplink="$nic learns no MAC"
