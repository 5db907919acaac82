# Containers behind a bridge of one's own that translates all they send, beside Docker: br_netfilter is on.
build() {
  host_on_nic
  sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
  bridge_with "$bridge"
  ip address add 10.10.10.1/24 dev "$bridge"
  nft -f - <<END
table ip nat {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 10.10.10.0/24 masquerade
  }
}
END
  for i in 2 3 4; do
    container "$guest$i" "veth$drawn_name$i" "52:54:00:$drawn:0$i" "10.10.10.$i/24" "$bridge"
    ip -n "$guest$i" route add default via 10.10.10.1
    talks "$guest$i" 10.10.10.1
  done
}

fault_learning() { learn_nothing "veth${drawn_name}3" "52:54:00:$drawn:03"; }
cause_learning="veth${drawn_name}3 learns no MAC"

fault_ageing() { ip link set "$bridge" type bridge ageing_time 0; }
cause_ageing='ageing'
