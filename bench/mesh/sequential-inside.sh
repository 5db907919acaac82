#!/bin/bash
# sequential-inside.sh N, in namespaces of its own: N guests on a bridge; for each ordered pair a tcpdump on every other port, one ping once all of them listen, a look at what they
# wrote. Prints pairs, seconds, and frames overheard.
set -eu
guests=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"; kill $(jobs -p) 2> /dev/null || true' EXIT
echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6 || true
echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 || true
ip link add dev br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0
ip link set dev br0 up
for i in $(seq "$guests"); do
  unshare --net sleep infinity & home[i]=$!
done
sleep 0.2
for i in $(seq "$guests"); do
  ip link add dev "p$i" type veth peer name eth0 netns "/proc/${home[i]}/ns/net"
  ip link set dev "p$i" master br0 up
  nsenter --net="/proc/${home[i]}/ns/net" sh -c "ip address add 10.0.0.$i/24 dev eth0; ip link set dev eth0 up"
done
nsenter --net="/proc/${home[1]}/ns/net" ping -q -c 1 -W 1 10.0.0.2 > /dev/null || true # what is started the first time is slow
overheard=0
pairs=0
from=$(date +%s.%N)
for a in $(seq "$guests"); do
  for b in $(seq "$guests"); do
    [ "$a" = "$b" ] && continue
    listeners=()
    for c in $(seq "$guests"); do
      [ "$c" = "$a" ] || [ "$c" = "$b" ] && continue
      tcpdump -n --immediate-mode -p -i "p$c" -Q out icmp and host "10.0.0.$a" and host "10.0.0.$b" > "$scratch/$c" 2> "$scratch/$c.err" &
      listeners+=($!)
    done
    until [ "$(cat "$scratch"/*.err 2> /dev/null | grep -c '^listening on')" = "${#listeners[@]}" ]; do sleep 0.01; done
    nsenter --net="/proc/${home[a]}/ns/net" ping -q -c 1 -W 1 "10.0.0.$b" > /dev/null
    sleep 0.1 # as the usual packet test framework waits
    kill -INT "${listeners[@]}"
    wait "${listeners[@]}" || true
    overheard=$((overheard + $(cat "$scratch"/*[0-9] | grep -c . || true)))
    rm -f "$scratch"/*
    pairs=$((pairs + 1))
  done
done
to=$(date +%s.%N)
echo "$pairs $(echo "$from $to" | awk '{ printf "%.3f", $2 - $1 }') $overheard"
