# KVM beside Suricata (af-packet) on the bridge.
# takes: suricata
build() {
  host_on_nic "$bridge"
  for i in 1 2 3 4; do libvirt_vm "$i" "$net.1$i" "$net.2" "$bridge"; done
  mkdir -p /run/suricata/log /run/suricata/rules
  sed 's|^default-rule-path:.*|default-rule-path: /run/suricata/rules|' /etc/suricata/suricata.yaml >/run/suricata/suricata.yaml
  : >/run/suricata/rules/suricata.rules
  daemon suricata -c /run/suricata/suricata.yaml "--af-packet=$bridge" -l /run/suricata/log --pidfile /run/suricata/pid
  until grep -q 'Engine started' /run/suricata/log/suricata.log; do sleep 0.1; done
}

fault_learning() { learn_nothing "vnet${number}2" "52:54:00:$drawn:02"; }
cause_learning="vnet${number}2"
