# A hundred machines on one bridge with a NIC.
build() {
  nic "$nic" "$net.1/16"
  bridge_with "$bridge" "$nic"
  for i in $(seq 100); do
    vm "vnet$number$i" "52:54:00:$drawn:$(printf %02x "$i")" "${net%.*}.200.$i" "$net.1" "$bridge" talks -name "guest=$guest$i" -netdev "tap,ifname=vnet$number$i"
  done
}

fault_learning() {
  learn_nothing "vnet${number}42" "52:54:00:$drawn:2a"
}
cause_learning="vnet${number}42"
