# Two bridges that a patch joins: the second has no NIC.
build() {
  host_on_nic "$bridge"
  bridge_with br-inner
  ip link add patch0 type veth peer name patch1
  ip link set patch0 master "$bridge" up
  ip link set patch1 master br-inner up
  for i in 1 2 3; do libvirt_vm "$i" "$net.1$i" "$net.2" "$bridge"; done
  for i in 4 5 6; do libvirt_vm "$i" "$net.1$i" "$net.1" br-inner; done
}

fault_learning() { learn_nothing "vnet${number}5" "52:54:00:$drawn:05"; }
cause_learning="vnet${number}5 learns no MAC"

fault_ageing() { ip link set br-inner type bridge ageing_time 0; }
cause_ageing='ageing'
