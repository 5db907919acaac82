# Open vSwitch: a NIC that trunks, access ports of two VLANs.
# takes: open-vswitch
build() {
  open_vswitch
  nic "$nic" "$net.1/24"
  ovs-vsctl add-br "$bridge" -- set bridge "$bridge" datapath_type=netdev -- add-port "$bridge" "$nic"
  for i in 1 2 3 4; do
    container "$guest$i" "vnet$number$i" "52:54:00:$drawn:0$i" "10.10.0.$i/24" -
    ovs-vsctl add-port "$bridge" "vnet$number$i" "tag=$((i < 3 ? 10 : 20))"
  done
  talks "${guest}1" 10.10.0.2
  talks "${guest}2" 10.10.0.1
  talks "${guest}3" 10.10.0.4
  talks "${guest}4" 10.10.0.3
}

# a mirror of an afternoon, forgotten
fault_mirror() {
  ovs-vsctl -- --id=@from get port "vnet${number}1" -- --id=@to get port "vnet${number}3" \
    -- --id=@mirror create mirror name=debug select-dst-port=@from select-src-port=@from output-port=@to \
    -- set bridge "$bridge" mirrors=@mirror
}
cause_mirror='mirror'
