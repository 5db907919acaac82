# libvirt's default network with its backend nftables.
build() {
  host_on_nic
  sysctl -qw net.ipv4.ip_forward=1
  bridge_with "virbr$number"
  ip address add 192.168.122.1/24 dev "virbr$number"
  nft -f - <<END
table ip libvirt_network {
  chain forward {
    type filter hook forward priority filter
    counter jump guest_cross
    counter jump guest_input
    counter jump guest_output
  }
  chain guest_output {
    ip saddr 192.168.122.0/24 iif virbr$number counter accept
    iif virbr$number counter reject
  }
  chain guest_input {
    oif virbr$number ip daddr 192.168.122.0/24 ct state established,related counter accept
    oif virbr$number counter reject
  }
  chain guest_cross {
    iif virbr$number oif virbr$number counter accept
  }
  chain guest_nat {
    type nat hook postrouting priority srcnat
    ip saddr 192.168.122.0/24 ip daddr 224.0.0.0/24 counter return
    ip saddr 192.168.122.0/24 ip daddr 255.255.255.255 counter return
    meta l4proto { tcp, udp } ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 counter masquerade to :1024-65535
    ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 counter masquerade
  }
}
END
  for i in 1 2 3; do libvirt_vm "$i" "192.168.122.1$i" "192.168.122.1" "virbr$number"; done
}

fault_learning() {
  learn_nothing "vnet${number}2" "52:54:00:$drawn:02"
}
cause_learning="vnet${number}2"
