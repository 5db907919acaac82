# A Kubernetes node: cni0 with hairpin, flannel's VXLAN, kube-proxy with 400 services in iptables.
# takes: iptables
build() {
  host_on_nic
  sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1
  ip link add flannel.1 mtu 1450 type vxlan id 1 local "$net.2" dev "$nic" dstport 8472 nolearning
  ip address add 10.244.0.0/32 dev flannel.1
  ip link set flannel.1 up
  ip route add 10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink
  bridge_with cni0
  ip address add 10.244.0.1/24 dev cni0
  for i in 2 3 4 5 6; do
    container "$guest$i" "veth$drawn_name$i" "0a:58:$drawn:00:0$i" "10.244.0.$i/24" cni0
    ip -n "$guest$i" route add default via 10.244.0.1
    bridge link set dev "veth$drawn_name$i" hairpin on
    talks "$guest$i" 10.244.0.1
  done
  chains | iptables-restore
}

chains() {
  cat <<'END'
*filter
:KUBE-FORWARD - [0:0]
:FLANNEL-FWD - [0:0]
-A FORWARD -j KUBE-FORWARD
-A FORWARD -j FLANNEL-FWD
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m mark --mark 0x4000/0x4000 -j ACCEPT
-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FLANNEL-FWD -s 10.244.0.0/16 -j ACCEPT
-A FLANNEL-FWD -d 10.244.0.0/16 -j ACCEPT
COMMIT
*nat
:KUBE-MARK-MASQ - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SERVICES - [0:0]
END
  seq 400 | awk '{ printf ":KUBE-SVC-%016X - [0:0]\n:KUBE-SEP-%016X - [0:0]\n", $1, $1 }'
  cat <<'END'
-A PREROUTING -j KUBE-SERVICES
-A OUTPUT -j KUBE-SERVICES
-A POSTROUTING -j KUBE-POSTROUTING
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --set-xmark 0x4000/0x0
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
END
  seq 400 | awk '{
    service = sprintf("KUBE-SVC-%016X", $1); end = sprintf("KUBE-SEP-%016X", $1); ip = sprintf("10.96.%d.%d", $1 / 250, $1 % 250 + 1)
    printf "-A KUBE-SERVICES -d %s/32 -p tcp -m comment --comment \"ns/svc%d:http cluster IP\" -m tcp --dport 80 -j %s\n", ip, $1, service
    printf "-A %s ! -s 10.244.0.0/16 -d %s/32 -p tcp -m tcp --dport 80 -j KUBE-MARK-MASQ\n", service, ip
    printf "-A %s -m statistic --mode random --probability 0.50000000000 -j %s\n-A %s -j %s\n", service, end, service, end
    printf "-A %s -p tcp -m tcp -j DNAT --to-destination 10.244.0.%d:8080\n", end, 2 + $1 % 5
  }'
  echo COMMIT
}

fault_learning() {
  learn_nothing "veth${drawn_name}3" "0a:58:$drawn:00:03"
}
cause_learning="veth${drawn_name}3"
