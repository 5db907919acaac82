# Machines that have not spoken since the bridge came up: only their monitors know their MACs.
# pings: none
build() {
  nic "$nic" "$net.1/24"
  bridge_with "$bridge" "$nic"
  for i in 1 2 3 4; do
    vm "vnet$number$i" "52:54:00:$drawn:0$i" "$net.1$i" 0.0.0.0 "$bridge" silent -name "guest=$guest$i" \
      -netdev "tap,ifname=vnet$number$i" -device "virtio-net-pci,mac=52:54:00:$drawn:0$i"
  done
}

fault_ageing() { ip link set "$bridge" type bridge ageing_time 0; }
cause_ageing='ageing'
