# Docker beside ufw: two networks.
# takes: docker ufw
build() {
  host_on_nic
  cp /usr/share/ufw/ufw.conf /usr/share/ufw/iptables/*.rules /etc/ufw/
  [ -e /etc/default/ufw ] || cp /usr/share/ufw/default/ufw /etc/default/ufw
  daemon dockerd --data-root /var/lib/docker --exec-root /run/docker -p /run/docker.pid
  for n in $(seq 200); do docker version >/dev/null 2>&1 && break; sleep 0.1; done
  ufw allow 22/tcp
  ufw --force enable
  ufw status | grep -q '^Status: active'
  tar -C /run/guest -c . | docker import - guest:1
  mkdir -p /run/netns
  for tenant in a b; do
    docker network create "$drawn_name-$tenant"
    for i in 1 2; do
      name=$guest-$tenant$i
      docker run -d --network "$drawn_name-$tenant" --name "$name" guest:1 /bin/sleep 9999
      ip netns attach "$name" "$(docker inspect -f '{{.State.Pid}}' "$name")"
      talks "$name" "$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.Gateway}}{{end}}' "$name")"
    done
  done
}

# what is advised where a published port is not reached
fault_accept() { iptables -I DOCKER-USER -j ACCEPT; }
cause_accept='DOCKER-USER'
