# VMware Workstation beside KVM: it bridges a veth of its own in the bridge, or, which is the fault, the bridge itself.
build() {
  host_on_nic "$bridge"
  for i in 1 2 3; do libvirt_vm "$i" "$net.1$i" "$net.2" "$bridge"; done
  ip link add vmware0 type veth peer name vmware1
  ip link set vmware0 master "$bridge" up
  ip link set vmware1 up
  [ "$fault" = promiscuous ] || relay vmware1 "00:0c:29:$drawn:07" "$net.77"
}

fault_promiscuous() { relay "$bridge" "00:0c:29:$drawn:07" "$net.77"; }
cause_promiscuous="$bridge is promiscuous"
