# Incus: containers on incusbr0, dnsmasq, rules of nft.
# takes: incus
export INCUS_CONF=/run/home/incus
build() {
  grep -q '^dnsmasq:' /etc/passwd || echo 'dnsmasq:x:64065:64065::/:/bin/false' >>/etc/passwd
  echo root:1000000:65536 | tee /etc/subuid >/etc/subgid
  echo '::respawn:/bin/sleep 9999' >/run/guest/etc/inittab
  mkdir -p /run/image/templates
  printf 'architecture: x86_64\ncreation_date: 1700000000\n' >/run/image/metadata.yaml
  tar -C /run/image -cJf /run/metadata.tar.xz metadata.yaml templates
  tar -C /run/guest -cJf /run/rootfs.tar.xz .
  daemon /usr/libexec/incus/incusd --group root --logfile=/run/incus.log
  for n in $(seq 20); do incus admin waitready --timeout=5 >/dev/null 2>&1 && break; sleep 0.5; done
  incus admin init --minimal
  incus network set incusbr0 ipv4.address 10.99.0.254/24
  incus image import /run/metadata.tar.xz /run/rootfs.tar.xz --alias guest
  mkdir -p /run/netns
  for i in 1 2 3 4; do
    incus launch guest "$guest$i"
    pid=$(incus list -f json "$guest$i" | jq '.[0].state.pid')
    ip netns attach "$guest$i" "$pid"
    ip -n "$guest$i" address add "10.99.0.1$i/24" dev eth0
    ip -n "$guest$i" link set eth0 up
    talks "$guest$i" 10.99.0.254
  done
}

# the port of the second guest
second() { ip -j link | jq -r ".[] | select(.ifindex == $(ip -n "${guest}2" -j link show eth0 | jq '.[0].link_index')) | .ifname"; }
fault_learning() {
  bridge link set dev "$(second)" learning off
  bridge fdb del "$(ip -n "${guest}2" -j link show eth0 | jq -r '.[0].address')" dev "$(second)" master || true
}
cause_learning=veth
