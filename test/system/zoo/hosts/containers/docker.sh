# Docker: docker0 with a published port, two networks, and an internal one.
# takes: docker
build() {
  host_on_nic
  daemon dockerd --data-root /var/lib/docker --exec-root /run/docker -p /run/docker.pid
  for n in $(seq 200); do docker version >/dev/null 2>&1 && break; sleep 0.1; done
  tar -C /run/guest -c . | docker import - guest:1
  docker network create n1
  docker network create n2
  docker network create --internal n3
  for name in c1 c2; do docker run -d --name "$guest-$name" guest:1 /bin/sleep 9999; done
  docker run -d --name "$guest-c3" -p 8080:80 guest:1 /bin/httpd -f -p 80 -h /etc
  for name in a1 a2; do docker run -d --network n1 --name "$guest-$name" guest:1 /bin/sleep 9999; done
  for name in b1 b2; do docker run -d --network n2 --name "$guest-$name" guest:1 /bin/sleep 9999; done
  for name in i1 i2; do docker run -d --network n3 --name "$guest-$name" guest:1 /bin/sleep 9999; done
  mkdir -p /run/netns
  for name in $(docker ps --format '{{.Names}}'); do
    ip netns attach "$name" "$(docker inspect -f '{{.State.Pid}}' "$name")"
    talks "$name" "$(ip -n "$name" route | sed -n 's/^\([0-9.]*\)\.0\/16 .*/\1.1/p')"
  done
}

# CVE-2025-54410: what a reload of firewalld left
fault_isolation() {
  iptables -F DOCKER-ISOLATION-STAGE-1
  iptables -A DOCKER-ISOLATION-STAGE-1 -j RETURN
}
cause_isolation='DOCKER-ISOLATION-STAGE-1'

fault_accept() { iptables -I DOCKER-USER -j ACCEPT; }
cause_accept='DOCKER-USER'
