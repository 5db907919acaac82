# Proxmox VE: vmbrN with the NIC and the host's address, machines on tapVMIDi0, no firewall.
build() {
  nic "$nic" "$net.1/24"
  bridge_with "vmbr$number" "$nic"
  ip address add "$net.2/24" dev "vmbr$number"
  ip route add default via "$net.1"
  for i in 1 2 3 4; do
    vm "tap$number${i}i0" "bc:24:11:$drawn:0$i" "$net.1$i" "$net.1" "vmbr$number" talks -id "$number$i" -name "vm$i,debug-threads=on" \
      -netdev "type=tap,id=net0,ifname=tap$number${i}i0" -device "virtio-net-pci,mac=BC:24:11:${drawn^^}:0$i,netdev=net0"
  done
}

# as for a sniffer's machine, never undone
fault_ageing() { ip link set "vmbr$number" type bridge ageing_time 0; }
cause_ageing='ageing'
