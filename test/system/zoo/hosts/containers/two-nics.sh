# Containers on a bridge with the host's NIC, one of them with two interfaces in the same network.
build() {
  host_on_nic "$bridge"
  for i in 3 4 5; do
    container "$guest-c$i" "veth$drawn_name$i" "02:42:ac:1e:00:0$i" "$net.2$i/24" "$bridge"
    ip -n "$guest-c$i" route add default via "$net.1"
    talks "$guest-c$i" "$net.1"
  done
  ip link add "veth${drawn_name}9" type veth peer name eth1 address 02:42:ac:1e:00:09 netns "$guest-c3"
  ip link set "veth${drawn_name}9" master "$bridge" up
  ip -n "$guest-c3" link set eth1 up
  ip -n "$guest-c3" address add "$net.29/24" dev eth1
  ip netns exec "$guest-c3" ping -c 1 -I eth1 "$net.1" || true
}

# What is for the second interface floods to the other guests
fault_learning() { learn_nothing "veth${drawn_name}9" 02:42:ac:1e:00:09; }
cause_learning='learns no MAC'
