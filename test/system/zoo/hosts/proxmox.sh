# Proxmox VE: vmbrN with the NIC, no firewall.
build() {
  host_on_nic "vmbr$number"
  for i in 1 2 3 4; do
    vm "tap$number${i}i0" "bc:24:11:$drawn:0$i" "$net.1$i" "$net.1" "vmbr$number" talks -id "$number$i" -name "vm$i,debug-threads=on" \
      -netdev "type=tap,id=net0,ifname=tap$number${i}i0" -device "virtio-net-pci,mac=BC:24:11:${drawn^^}:0$i,netdev=net0"
  done
}

# as for a sniffer's machine, never undone
fault_ageing() { ip link set "vmbr$number" type bridge ageing_time 0; }
cause_ageing='ageing'
