import { spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { describe } from 'vitest';
import { loadSearch, searchDescriptors } from '../../../src/system/capture/kernel-search.js';
import { type Missing, needs } from '../needs.js';
import { runTag } from './test-network.js';

/** Features that some kernels lack. Each is tried in a network namespace that ends with the trial. */
const trials = {
  'VLAN filtering': 'ip link add br0 type bridge vlan_filtering 1',
  '802.1Q': 'ip link add d0 type veth peer name d1 && ip link add link d0 name d0.10 type vlan id 10',
  "Open vSwitch's datapath": 'modprobe openvswitch; test -e /sys/module/openvswitch',
  "nft's family inet": 'nft add table inet t',
  "nft's family netdev": 'nft add table netdev t',
  "nft's hook egress":
    'nft add table netdev t && nft "add chain netdev t c { type filter hook egress device lo priority 0; }"',
  "tc's matchall":
    'ip link add d0 type veth peer name d1 && tc qdisc add dev d0 clsact && tc filter add dev d0 ingress matchall action mirred ingress redirect dev d1',
  "nft's queue":
    'nft add table ip t && nft "add chain ip t c { type filter hook forward priority 0; }" && nft add rule ip t c queue num 3',
  "tc's flower":
    'ip link add d0 type veth peer name d1 && tc qdisc add dev d0 clsact && tc filter add dev d0 ingress protocol ip flower ip_proto tcp action drop',
  ipvlan: 'ip link add d0 type veth peer name d1 && ip link add link d0 name i0 type ipvlan mode l2',
  macvlan: 'ip link add d0 type veth peer name d1 && ip link add link d0 name m0 type macvlan mode bridge',
  macvtap: 'ip link add d0 type veth peer name d1 && ip link add link d0 name t0 type macvtap',
  VXLAN: 'ip link add vx0 type vxlan id 1 dstport 4789',
  tap: 'ip tuntap add dev t0 mode tap',
  'the queueing discipline fq_codel': 'tc qdisc add dev lo root fq_codel',
  'the queueing discipline htb': 'tc qdisc add dev lo root htb',
  "ebtables-legacy's table nat": 'ebtables-legacy -t nat -L',
} as const;
export type KernelFeature = keyof typeof trials;

/** The kernel's answers in this process. */
const answers = new Map<KernelFeature, string | null>();

/** The reason why this kernel does not have it; null = it does. Tried once, for 20 s at most. */
export function lacking(feature: KernelFeature): string | null {
  const known = answers.get(feature);
  if (known !== undefined) return known;
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const { status, stderr, error } = spawnSync('unshare', [...user, '--net', 'sh', '-c', trials[feature]], {
    encoding: 'utf8',
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
    timeout: 20_000,
  });
  const answer = status === 0 ? null : (error?.message ?? stderr.trim().split('\n').at(-1) ?? 'refused');
  answers.set(feature, answer);
  return answer;
}

/** A feature of the kernel, for `needs`. */
export function kernel(feature: KernelFeature): Missing {
  const why = lacking(feature);
  return why === null ? null : `this kernel lacks ${feature} (${why})`;
}

/**
 * Tests that take a kernel with these features. Elsewhere they are skipped with the reason; `npm run test:kernel` runs
 * them under a kernel that has most of them, so that `npm run test:all` counts as skipped only what no kernel ran.
 */
export function describeOnKernelWith(
  features: readonly KernelFeature[],
  name: string,
  tests: () => void,
  ...more: readonly Missing[]
): void {
  describe(name, { tags: 'kernel', ...needs(...features.map(kernel), ...more) }, tests);
}

/** Why this user cannot load eBPF: a kernel without it, or a container that may not use it; null = it can. */
export function lackingEbpf(): Missing {
  const loaded = process.getuid?.() === 0 ? loadSearch(runTag) : null;
  if (loaded === null) return 'eBPF programs cannot be loaded';
  for (const fd of searchDescriptors(loaded)) closeSync(fd);
  return null;
}
