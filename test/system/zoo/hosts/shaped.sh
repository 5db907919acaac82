# Rates of guests, as libvirt's <bandwidth> and Proxmox's rate= set them.
build() {
  host_on_nic "$bridge"
  for i in 1 2 3 4; do
    libvirt_vm "$i" "$net.1$i" "$net.2" "$bridge"
    tc qdisc add dev "vnet$number$i" root handle 1: htb default 1
    tc class add dev "vnet$number$i" parent 1: classid 1:1 htb rate 100mbit ceil 200mbit
  done
}

fault_ageing() { ip link set "$bridge" type bridge ageing_time 0; }
cause_ageing='ageing'
