import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** In a network namespace of the bench: a pair of interfaces, a and b, that speak no protocol. */
export function makeVeth() {
  execFileSync('sh', [
    '-c',
    `
    for scope in all default; do echo 1 > /proc/sys/net/ipv6/conf/$scope/disable_ipv6 || true; done 2> /dev/null
    mount -t sysfs sysfs /sys
    ip link add dev a type veth peer name b && ip link set dev a arp off up && ip link set dev b arp off up`,
  ]);
}

/**
 * Puts one end into a network namespace of its own, as a guest's is, and gives the namespace's path; it ends with the
 * bench.
 */
export async function moveAway(device) {
  const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' });
  holder.unref();
  const { pid } = holder;
  const path = `/proc/${pid}/ns/net`;
  while (readlinkSync(path) === readlinkSync('/proc/self/ns/net')) await sleep(10);
  execFileSync('ip', ['link', 'set', 'dev', device, 'netns', String(pid)]);
  execFileSync('nsenter', [
    `--net=${path}`,
    'sh',
    '-c',
    `echo 1 > /proc/sys/net/ipv6/conf/${device}/disable_ipv6 2> /dev/null; ip link set dev ${device} arp off up`,
  ]);
  return path;
}

/** Frames that came in at an interface. */
export function arrivedAt(device) {
  return Number(readFileSync(`/sys/class/net/${device}/statistics/rx_packets`, 'utf8'));
}
