# Podman: two networks with isolate=true.
# takes: podman
build() {
  host_on_nic
  mkdir -p /etc/containers
  printf '[storage]\ndriver = "overlay"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n' >/etc/containers/storage.conf
  printf '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n[network]\nnetwork_config_dir = "/run/networks"\n' >/etc/containers/containers.conf
  mkdir -p /run/netns
  for tenant in a b; do
    podman network create --opt isolate=true "$drawn_name-$tenant"
    for i in 1 2; do
      name=$guest-$tenant$i
      podman run -d --cgroups=disabled --network "$drawn_name-$tenant" --name "$name" --rootfs /run/guest:O /bin/sleep 9999
      ip netns attach "$name" "$(podman inspect -f '{{.State.Pid}}' "$name")"
      talks "$name" "$(ip -n "$name" route | sed -n 's/^default via \([0-9.]*\).*/\1/p')"
    done
  done
}

# as after a reload of rules that are not its own
fault_isolation() { nft flush chain inet netavark NETAVARK-ISOLATION-1; }
cause_isolation='NETAVARK-ISOLATION-1'

fault_accept() { nft insert rule inet netavark FORWARD accept; }
cause_accept='netavark\s+FORWARD'
