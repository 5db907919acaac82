import { type FeatureTrial, type KernelFeature, kernelFeatures } from '../../core/model/machine.js';
import { assertKnown } from '../../core/model/verify-error.js';
import { mustRun } from '../process/programs.js';

/** `shows`: output required of the last command, as old kernels silently ignore unknown attributes. */
interface Trial {
  readonly commands: readonly string[];
  readonly shows?: string;
}

const stage = [
  'ip link add dev br0 type bridge',
  'ip link add dev p0 type veth peer name p1',
  'ip link set dev p0 master br0',
  'ip link set dev br0 up',
  'ip link set dev p0 up',
  'ip link set dev p1 up',
];

const portSetting = (name: string): Trial => ({
  commands: [`ip link set dev p0 type bridge_slave ${name} on`, 'ip -j -d link show dev p0'],
  shows: `"${name}":true`,
});

const trials: { readonly [F in KernelFeature]: Trial } = {
  'vlan-filtering': {
    commands: [
      'ip link set dev br0 type bridge vlan_filtering 1',
      'bridge vlan add dev p0 vid 10',
      'ip link set dev br0 type bridge vlan_filtering 0',
    ],
  },
  'igmp-snooping': {
    commands: [
      'ip link set dev br0 type bridge mcast_snooping 1',
      'bridge mdb add dev br0 port p0 grp 239.1.1.1 permanent',
    ],
  },
  stp: {
    commands: ['ip link set dev br0 type bridge stp_state 1', 'ip -j -d link show dev br0'],
    shows: '"stp_state":1',
  },
  isolated: portSetting('isolated'),
  'sticky-entries': {
    commands: ['bridge fdb replace 02:00:00:00:00:01 dev p0 master static sticky', 'bridge -j fdb show dev p0'],
    shows: 'sticky',
  },
  locked: portSetting('locked'),
  mab: {
    commands: ['ip link set dev p0 type bridge_slave learning on locked on mab on', 'ip -j -d link show dev p0'],
    shows: '"mab":true',
  },
  'fdb-limit': {
    commands: ['ip link set dev br0 type bridge fdb_max_learned 100', 'ip -j -d link show dev br0'],
    shows: '"fdb_max_learned":100',
  },
  'nft-bridge': {
    commands: [
      'nft add table bridge trial',
      'nft add chain bridge trial c { type filter hook prerouting priority 0 ; }',
    ],
  },
  'tc-redirect': {
    commands: [
      'tc qdisc add dev p1 clsact',
      'tc filter add dev p1 ingress protocol all prio 1 u32 match u32 0 0 action mirred ingress redirect dev p0',
    ],
  },
  'br-netfilter': { commands: ['sysctl -n net.bridge.bridge-nf-call-iptables'] },
  ipv6: { commands: ['sysctl -w net.ipv6.conf.p0.disable_ipv6=0', 'ip address add fd00::1/64 dev p0 nodad'] },
  'vlan-devices': { commands: ['ip link add link p1 name v0 type vlan id 5'] },
  vxlan: { commands: ['ip link add vx0 type vxlan id 1 dstport 4789'] },
  macvlan: { commands: ['ip link add link p1 name m0 type macvlan mode bridge'] },
  ipvlan: { commands: ['ip link add link br0 name i0 type ipvlan mode l2'] },
};

async function attempt(feature: KernelFeature): Promise<FeatureTrial> {
  const { commands, shows = '' } = trials[feature];
  let printed = '';
  try {
    for (const command of commands) printed = await mustRun(command.split(' '));
    return printed.includes(shows)
      ? { feature, works: true, said: '' }
      : { feature, works: false, said: 'the kernel does not know it' };
  } catch (error) {
    assertKnown(error);
    return { feature, works: false, said: error.message };
  }
}

/**
 * Tries features without undoing, so only in a disposable network namespace. Rejects with VerifyError (69) without
 * bridges or veth pairs.
 */
export async function tryFeatures(): Promise<readonly FeatureTrial[]> {
  for (const command of stage) await mustRun(command.split(' '));
  const tried: FeatureTrial[] = [];
  for (const feature of Object.keys(kernelFeatures)) if (isFeature(feature)) tried.push(await attempt(feature));
  return tried;
}

function isFeature(name: string): name is KernelFeature {
  return Object.hasOwn(kernelFeatures, name);
}
