# systemd-nspawn with --network-veth: a routed veth for each container.
build() {
  host_on_nic
  sysctl -qw net.ipv4.ip_forward=1
  for i in 1 2 3; do
    container "$guest$i" "ve-$guest$i" "3e:9c:$drawn:01:0$i" "192.168.2$i.2/28" -
    ip address add "192.168.2$i.1/28" dev "ve-$guest$i"
    ip -n "$guest$i" route add default via "192.168.2$i.1"
    talks "$guest$i" "192.168.2$i.1"
  done
}

# what somebody debugged with
fault_mirror() {
  tc qdisc add dev "ve-${guest}1" clsact
  tc filter add dev "ve-${guest}1" ingress protocol all u32 match u32 0 0 action mirred egress mirror dev "ve-${guest}3"
}
cause_mirror="ve-${guest}1"
