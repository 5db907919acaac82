# A KVM host whose administrator records its NIC.
build() {
  host_on_nic "$bridge"
  for i in 1 2 3; do libvirt_vm "$i" "$net.1$i" "$net.2" "$bridge"; done
  daemon tcpdump -Z root -i "$nic" -w /run/nic.pcap
  until [ -e /run/nic.pcap ]; do sleep 0.05; done
}

fault_learning() {
  learn_nothing "vnet${number}2" "52:54:00:$drawn:02"
}
cause_learning="vnet${number}2"
