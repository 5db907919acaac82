import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** In a network namespace of the bench: a pair of interfaces, a and b, that speak no protocol. */
export function makeVeth() {
  execFileSync('sh', ['-c', `
    for scope in all default; do echo 1 > /proc/sys/net/ipv6/conf/$scope/disable_ipv6 || true; done 2> /dev/null
    mount -t sysfs sysfs /sys
    ip link add dev a type veth peer name b && ip link set dev a arp off up && ip link set dev b arp off up`]);
}

/** Frames that came in at an interface. */
export function arrivedAt(device) {
  return Number(readFileSync(`/sys/class/net/${device}/statistics/rx_packets`, 'utf8'));
}
