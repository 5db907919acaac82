# Proxmox VE with its firewall: a fwbr… for each machine.
# takes: iptables
build() {
  host_on_nic "vmbr$number"
  sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1
  for i in 1 2 3 4; do
    id=$number$i
    ip link add "fwln${id}i0" type veth peer name "fwpr${id}p0"
    bridge_with "fwbr${id}i0" "fwln${id}i0"
    ip link set "fwpr${id}p0" master "vmbr$number" up
    vm "tap${id}i0" "bc:24:11:$drawn:0$i" "$net.1$i" "$net.1" "fwbr${id}i0" talks -id "$id" -name "vm$i,debug-threads=on" \
      -netdev "type=tap,id=net0,ifname=tap${id}i0" -device "virtio-net-pci,mac=BC:24:11:${drawn^^}:0$i,netdev=net0"
  done
  chains | iptables-restore
  ebtables-nft -N PVEFW-FORWARD -P RETURN
  ebtables-nft -N PVEFW-FWBR-OUT -P RETURN
  ebtables-nft -A FORWARD -j PVEFW-FORWARD
  ebtables-nft -A PVEFW-FORWARD -p IPv4 -j ACCEPT
  ebtables-nft -A PVEFW-FORWARD -p IPv6 -j ACCEPT
  ebtables-nft -A PVEFW-FORWARD -o fwln+ -j PVEFW-FWBR-OUT
  for i in 1 2 3 4; do
    out=tap$number${i}i0-OUT
    ebtables-nft -N "$out" -P RETURN
    ebtables-nft -A PVEFW-FWBR-OUT -i "${out%-OUT}" -j "$out"
    ebtables-nft -A "$out" -s ! "bc:24:11:$drawn:0$i" -j DROP
    ebtables-nft -A "$out" -j ACCEPT
  done
}

# As pve-firewall writes them
chains() {
  cat <<'END'
*filter
:PVEFW-Drop - [0:0]
:PVEFW-FORWARD - [0:0]
:PVEFW-FWBR-IN - [0:0]
:PVEFW-FWBR-OUT - [0:0]
:PVEFW-SET-ACCEPT-MARK - [0:0]
-A FORWARD -j PVEFW-FORWARD
-A PVEFW-Drop -m addrtype --dst-type BROADCAST -j DROP
-A PVEFW-Drop -m addrtype --dst-type MULTICAST -j DROP
-A PVEFW-Drop -p icmp -m icmp --icmp-type 3/4 -j ACCEPT
-A PVEFW-Drop -m conntrack --ctstate INVALID -j DROP
-A PVEFW-FORWARD -m conntrack --ctstate INVALID -j DROP
-A PVEFW-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A PVEFW-FORWARD -m physdev --physdev-in fwln+ --physdev-is-bridged -j PVEFW-FWBR-IN
-A PVEFW-FORWARD -m physdev --physdev-out fwln+ --physdev-is-bridged -j PVEFW-FWBR-OUT
-A PVEFW-SET-ACCEPT-MARK -j MARK --set-xmark 0x80000000/0x80000000
END
  for i in 1 2 3 4; do
    tap=tap$number${i}i0
    cat <<END
:$tap-IN - [0:0]
:$tap-OUT - [0:0]
-A PVEFW-FWBR-IN -m physdev --physdev-out $tap --physdev-is-bridged -j $tap-IN
-A PVEFW-FWBR-OUT -m physdev --physdev-in $tap --physdev-is-bridged -j $tap-OUT
-A $tap-IN -p udp -m udp --sport 67 --dport 68 -j ACCEPT
-A $tap-IN -p tcp -m tcp --dport 443 -j ACCEPT
-A $tap-IN -p icmp -j ACCEPT
-A $tap-IN -j PVEFW-Drop
-A $tap-IN -j DROP
-A $tap-OUT -p udp -m udp --sport 68 --dport 67 -g PVEFW-SET-ACCEPT-MARK
-A $tap-OUT -m mac ! --mac-source bc:24:11:$drawn:0$i -j DROP
-A $tap-OUT -j MARK --set-xmark 0x0/0x80000000
-A $tap-OUT -g PVEFW-SET-ACCEPT-MARK
END
  done
  echo COMMIT
}

fault_ageing() { ip link set "vmbr$number" type bridge ageing_time 0; }
cause_ageing='ageing'
