import { spawnSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { describe } from 'vitest';
import { loadSearch, searchDescriptors } from '../../../src/system/capture/kernel-search.js';
import { type Missing, needs } from '../needs.js';
import { runTag } from './test-network.js';

/**
 * What some kernels are built without: whether this one has it is tried, in a network namespace that ends with the try.
 */
const trials = {
  'VLAN filtering': 'ip link add br0 type bridge vlan_filtering 1',
  '802.1Q': 'ip link add d0 type veth peer name d1 && ip link add link d0 name d0.10 type vlan id 10',
  "Open vSwitch's datapath": 'modprobe openvswitch; test -e /sys/module/openvswitch',
  "nft's family inet": 'nft add table inet t',
  "nft's family netdev": 'nft add table netdev t',
  "tc's matchall":
    'ip link add d0 type veth peer name d1 && tc qdisc add dev d0 clsact && tc filter add dev d0 ingress matchall action mirred ingress redirect dev d1',
  ipvlan: 'ip link add d0 type veth peer name d1 && ip link add link d0 name i0 type ipvlan mode l2',
  macvtap: 'ip link add d0 type veth peer name d1 && ip link add link d0 name t0 type macvtap',
} as const;
export type KernelFeature = keyof typeof trials;

/** Why this machine does not have it; null = it does. */
export function lacking(feature: KernelFeature): string | null {
  const user = process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'];
  const { status, stderr, error } = spawnSync('unshare', [...user, '--net', 'sh', '-c', trials[feature]], {
    encoding: 'utf8',
  });
  return status === 0 ? null : (error?.message ?? stderr.trim().split('\n').at(-1) ?? 'refused');
}

/**
 * Tests that take a kernel with these features. Elsewhere they are skipped, and said to be; `npm run test:uml` runs
 * them under a kernel that has most of them, so that `.ci/run` counts as skipped only what no kernel ran.
 */
export function describeOnKernelWith(
  features: readonly KernelFeature[],
  name: string,
  tests: () => void,
  ...more: readonly Missing[]
): void {
  const missing = features.map((feature) => {
    const why = lacking(feature);
    return why === null ? null : `this kernel lacks ${feature} (${why})`;
  });
  describe(name, { tags: 'kernel', ...needs(...missing, ...more) }, tests);
}

/** Why this user cannot load eBPF: a kernel without it, or a container that may not use it; null = it can. */
export function lackingEbpf(): Missing {
  const loaded = process.getuid?.() === 0 ? loadSearch(runTag) : null;
  if (loaded === null) return 'eBPF programs cannot be loaded';
  for (const fd of searchDescriptors(loaded)) closeSync(fd);
  return null;
}
