# KVM beside lldpd, keepalived, avahi and chrony.
# takes: lldpd keepalived avahi chrony
build() {
  host_on_nic "$bridge"
  for i in 1 2 3 4; do libvirt_vm "$i" "$net.1$i" "$net.2" "$bridge"; done
  account _lldpd 64060
  account avahi 64061
  mkdir -p /run/lldpd /run/avahi-daemon /run/chrony
  daemon lldpd -d
  cat >/run/keepalived.conf <<END
global_defs {
  script_user root
}
vrrp_instance $drawn_name {
  interface $bridge
  virtual_router_id $number
  priority 100
  advert_int 1
  virtual_ipaddress { $net.50/24 }
}
END
  daemon keepalived -n -f /run/keepalived.conf -p /run/keepalived.pid -r /run/vrrp.pid
  sed 's/#*enable-dbus=.*/enable-dbus=no/' /etc/avahi/avahi-daemon.conf >/run/avahi.conf
  daemon avahi-daemon -f /run/avahi.conf --no-drop-root --no-chroot
  echo "server $net.1" >/run/chrony.conf
  daemon chronyd -x -d -f /run/chrony.conf -u root
  until ip address show dev "$bridge" | grep -q "$net.50/24"; do sleep 0.1; done
  for name in lldpd keepalived avahi-daemon chronyd; do pgrep "$name"; done
}

fault_ageing() { ip link set dev "$bridge" type bridge ageing_time 0; }
cause_ageing="$bridge is a hub"
