# Two containers on a bridge of their own, behind NAT: each is all that could overhear the other.
build() {
  host_on_nic
  bridge_with "$bridge"
  ip address add 172.30.0.1/16 dev "$bridge"
  sysctl -qw net.ipv4.ip_forward=1
  nft add table ip nat
  nft add chain ip nat POSTROUTING '{ type nat hook postrouting priority srcnat; }'
  nft add rule ip nat POSTROUTING ip saddr 172.30.0.0/16 oifname != "$bridge" masquerade
  for i in 2 3; do
    container "$guest-c$i" "veth$drawn_name$i" "02:42:ac:1e:00:0$i" "172.30.0.$i/16" "$bridge"
    ip -n "$guest-c$i" route add default via 172.30.0.1
    talks "$guest-c$i" 172.30.0.1
  done
}

# What the host sends to the one floods to the other
fault_learning() { learn_nothing "veth${drawn_name}3" 02:42:ac:1e:00:03; }
cause_learning='learns no MAC'
