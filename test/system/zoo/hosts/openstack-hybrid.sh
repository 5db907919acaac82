# OpenStack: Open vSwitch with the hybrid firewall.
# takes: open-vswitch
build() {
  open_vswitch
  nic "$nic" "$net.1/24"
  for switch in br-int br-ex; do ovs-vsctl add-br "$switch" -- set bridge "$switch" datapath_type=netdev; done
  ovs-vsctl add-port br-ex "$nic" \
    -- add-port br-int int-br-ex -- set interface int-br-ex type=patch options:peer=phy-br-ex \
    -- add-port br-ex phy-br-ex -- set interface phy-br-ex type=patch options:peer=int-br-ex
  ip link set br-int up
  ip link set br-ex up
  for i in 1 2 3 4; do
    id=$(printf %s "$drawn" | tr -d :)a$i-0b mac=fa:16:3e:$drawn:0$i
    ip link add "qvb$id" type veth peer name "qvo$id"
    bridge_with "qbr$id" "qvb$id"
    ip link set "qvb$id" promisc on
    ip link set "qvo$id" promisc on up
    ovs-vsctl add-port br-int "qvo$id" "tag=$((i < 3 ? 1 : 2))" -- set interface "qvo$id" \
      "external_ids:attached-mac=\"$mac\"" "external_ids:iface-id=$guest$i" external_ids:iface-status=active
    vm "tap$id" "$mac" "10.78.0.1$i" "10.78.0.1$(echo 2143 | cut -c "$i")" "qbr$id" talks -name "guest=instance-0000000$i" -netdev "tap,ifname=tap$id"
  done
}

fault_mirror() {
  prefix=qvo$(printf %s "$drawn" | tr -d :)a
  ovs-vsctl -- --id=@from get port "${prefix}1-0b" -- --id=@to get port "${prefix}3-0b" \
    -- --id=@mirror create mirror name=debug select-dst-port=@from select-src-port=@from output-port=@to \
    -- set bridge br-int mirrors=@mirror
}
cause_mirror='mirror'
