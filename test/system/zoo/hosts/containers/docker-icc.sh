# Docker with icc=false, as its rules stand in the kernel.
build() {
  host_on_nic
  bridge_with docker0
  ip address add 172.17.0.1/16 dev docker0
  sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
  for i in 2 3 4; do
    container "$guest-c$i" "veth$drawn_name$i" "02:42:ac:11:00:0$i" "172.17.0.$i/16" docker0
    ip -n "$guest-c$i" route add default via 172.17.0.1
    talks "$guest-c$i" 172.17.0.1
  done
  nft -f - <<END
table ip filter {
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
    counter jump DOCKER-FORWARD
  }
  chain DOCKER-FORWARD {
    oifname "docker0" ct state related,established counter accept
    iifname "docker0" oifname != "docker0" counter accept
    iifname "docker0" oifname "docker0" counter drop
  }
}
table ip nat {
  chain POSTROUTING {
    type nat hook postrouting priority srcnat;
    ip saddr 172.17.0.0/16 oifname != "docker0" counter masquerade
  }
}
END
}

# What guides for KVM beside Docker advise
fault_sysctl() { sysctl -qw net.bridge.bridge-nf-call-iptables=0; }
cause_sysctl='docker0.nf_call_iptables'

fault_learning() { learn_nothing "veth${drawn_name}3" 02:42:ac:11:00:03; }
cause_learning='learns no MAC'
