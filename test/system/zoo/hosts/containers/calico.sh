# Calico: routed veths; its chains admit whom a policy names.
# takes: iptables
build() {
  host_on_nic
  sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=1
  for i in 1 2 3 4; do
    workload "cali$drawn_name$i" "$guest$i" "192.168.77.6$i" "ee:ee:ee:$drawn:0$i"
    talks "$guest$i" "$net.2"
  done
  chains | iptables-restore
}

workload() { # PORT NAME ADDRESS MAC
  container "$2" "$1" "$4" "$3/32" -
  sysctl -qw "net.ipv4.conf.$1.proxy_arp=1" "net.ipv4.conf.$1.rp_filter=1" "net.ipv4.conf.$1.forwarding=1"
  ip link set "$1" address ee:ee:ee:ee:ee:ee
  ip route add "$3/32" dev "$1"
  ip -n "$2" route add 169.254.1.1 dev eth0
  ip -n "$2" route add default via 169.254.1.1
  ip -n "$2" neigh replace 169.254.1.1 lladdr ee:ee:ee:ee:ee:ee dev eth0
}

chains() {
  printf '%s\n' '*filter' ':cali-FORWARD - [0:0]' ':cali-from-wl-dispatch - [0:0]' ':cali-to-wl-dispatch - [0:0]'
  for i in 1 2 3 4; do printf ':cali-%s-%s - [0:0]\n' tw "$i" fw "$i"; done
  cat <<'END'
-A FORWARD -j cali-FORWARD
-A FORWARD -m mark --mark 0x10000/0x10000 -j ACCEPT
-A cali-FORWARD -j MARK --set-xmark 0x0/0xe0000
-A cali-FORWARD -i cali+ -j cali-from-wl-dispatch
-A cali-FORWARD -o cali+ -j cali-to-wl-dispatch
END
  for i in 1 2 3 4; do
    cat <<END
-A cali-from-wl-dispatch -i cali$drawn_name$i -g cali-fw-$i
-A cali-to-wl-dispatch -o cali$drawn_name$i -g cali-tw-$i
-A cali-fw-$i -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A cali-fw-$i -m conntrack --ctstate INVALID -j DROP
-A cali-fw-$i -j MARK --set-xmark 0x0/0x10000
-A cali-fw-$i -p udp -m multiport --dports 4789 -j DROP
-A cali-fw-$i -j MARK --set-xmark 0x10000/0x10000
-A cali-tw-$i -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A cali-tw-$i -m conntrack --ctstate INVALID -j DROP
-A cali-tw-$i -m comment --comment "Drop if no profiles matched" -j DROP
END
  done
  printf -- '-A cali-%s-wl-dispatch -m comment --comment "Unknown interface" -j DROP\n' from to
  echo COMMIT
}

fault_policy() { iptables -I cali-tw-3 1 -j ACCEPT; }
cause_policy='cali-tw-3'
