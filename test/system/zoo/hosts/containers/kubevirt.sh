# KubeVirt with its bridge binding: machines in pods on cni0, beside plain pods.
build() {
  host_on_nic
  sysctl -qw net.ipv4.ip_forward=1
  bridge_with cni0
  ip address add 10.244.0.1/24 dev cni0
  for i in 2 3 4 5 6; do
    container "$guest$i" "veth$drawn_name$i" "0a:58:$drawn:00:0$i" "10.244.0.$i/24" cni0
    bridge link set dev "veth$drawn_name$i" hairpin on
  done
  for i in 5 6; do
    ip -n "$guest$i" route add default via 10.244.0.1
    talks "$guest$i" 10.244.0.1
  done
  for i in 2 3 4; do machine_in "$guest$i" "$i"; done
}

# machine_in NAMESPACE NUMBER: the pod's device becomes a port of a bridge within, and the machine has its MAC
machine_in() {
  local within="ip netns exec $1"
  ip -n "$1" -batch - <<END
address flush dev eth0
link set eth0 down
link set eth0 name eth0-nic
link set eth0-nic address 02:00:00:$drawn:f$2
link add k6t-eth0 type bridge forward_delay 0
link set k6t-eth0 address 02:00:00:00:00:0$2 up
address add 169.254.75.1$2/32 dev k6t-eth0
link set eth0-nic master k6t-eth0 up
tuntap add dev tap0 mode tap
link set tap0 master k6t-eth0 up
END
  $within bridge link set dev eth0-nic learning off
  $within "$zoo/qemu-system-x86_64" tap0 "0a:58:$drawn:00:0$2" "10.244.0.$2" 10.244.0.1 "$zoo/stats.$2" talks \
    -name "guest=vmi$2" -netdev tap,fd=25 >>"$zoo/log" 2>&1 </dev/null &
  echo $! >>"$zoo/vms"
}

# The bridge has an entry of the pod's device there, and none of the machine's
fault_learning() { learn_nothing "veth${drawn_name}3" "0a:58:$drawn:00:03"; }
cause_learning='learns no MAC'

fault_ageing() { ip link set cni0 type bridge ageing_time 0; }
cause_ageing='ageing'
