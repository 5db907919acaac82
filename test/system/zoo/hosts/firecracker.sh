# Firecracker: routed taps, masqueraded; a chain keeps them apart.
monitor=$zoo/firecracker
build() {
  host_on_nic
  sysctl -qw net.ipv4.ip_forward=1
  nft -f - <<'END'
table ip firecracker {
  chain postrouting { type nat hook postrouting priority srcnat; }
  chain filter { type filter hook forward priority filter; policy drop; }
}
END
  for i in 0 1 2 3; do
    ip tuntap add dev "fc$number$i" mode tap
    ip address add "172.16.$i.1/30" dev "fc$number$i"
    ip link set "fc$number$i" up
    nft -f - <<END
add rule ip firecracker postrouting ip saddr 172.16.$i.2 oifname $nic counter masquerade
add rule ip firecracker filter iifname fc$number$i oifname $nic accept
add rule ip firecracker filter iifname $nic oifname fc$number$i ct state established,related accept
END
    vm "fc$number$i" "06:00:$drawn:0$i:02" "172.16.$i.2" "172.16.$i.1" - talks --api-sock "/run/fc$i.sock" --id "$guest$i"
  done
}

fault_rule() {
  nft add rule ip firecracker filter iifname "fc${number}1" accept
  nft add rule ip firecracker filter oifname "fc${number}1" accept
}
cause_rule="fc${number}1"
