# libvirt's default network and another one with NAT, with its backend nftables.
build() {
  host_on_nic
  sysctl -qw net.ipv4.ip_forward=1
  for n in 2 3; do
    bridge_with "virbr$number$n"
    ip address add "192.168.12$n.1/24" dev "virbr$number$n"
  done
  rules | nft -f -
  for i in 1 2 3; do libvirt_vm "$i" "192.168.122.1$i" 192.168.122.1 "virbr${number}2"; done
  for i in 4 5; do libvirt_vm "$i" "192.168.123.1$i" 192.168.123.1 "virbr${number}3"; done
}

# src/network/network_nftables.c: the newest network's rules come first in a chain
rules() {
  cat <<'END'
table ip libvirt_network {
  chain forward {
    type filter hook forward priority filter
    counter jump guest_cross
    counter jump guest_input
    counter jump guest_output
  }
  chain guest_output { }
  chain guest_input { }
  chain guest_cross { }
  chain guest_nat {
    type nat hook postrouting priority srcnat
  }
}
END
  for n in 2 3; do
    cat <<END
insert rule ip libvirt_network guest_output iif virbr$number$n counter reject
insert rule ip libvirt_network guest_output ip saddr 192.168.12$n.0/24 iif virbr$number$n counter accept
insert rule ip libvirt_network guest_input oif virbr$number$n counter reject
insert rule ip libvirt_network guest_input oif virbr$number$n ip daddr 192.168.12$n.0/24 ct state established,related counter accept
insert rule ip libvirt_network guest_cross iif virbr$number$n oif virbr$number$n counter accept
insert rule ip libvirt_network guest_nat ip saddr 192.168.12$n.0/24 ip daddr != 192.168.12$n.0/24 counter masquerade
insert rule ip libvirt_network guest_nat meta l4proto { tcp, udp } ip saddr 192.168.12$n.0/24 ip daddr != 192.168.12$n.0/24 counter masquerade to :1024-65535
insert rule ip libvirt_network guest_nat ip saddr 192.168.12$n.0/24 ip daddr 255.255.255.255 counter return
insert rule ip libvirt_network guest_nat ip saddr 192.168.12$n.0/24 ip daddr 224.0.0.0/24 counter return
END
  done
}

fault_learning() {
  learn_nothing "vnet${number}2" "52:54:00:$drawn:02"
}
cause_learning="vnet${number}2"

# as after a reload of rules that are not its own
fault_flushed() { nft flush chain ip libvirt_network guest_input; }
cause_flushed='libvirt_network\s+guest_input'
