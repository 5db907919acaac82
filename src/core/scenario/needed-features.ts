import type { KernelFeature } from '../model/machine.js';
import { sharesMac } from '../model/attach.js';
import type { Scenario, SettingValue } from '../model/scenario.js';

const bySetting: Readonly<Record<string, KernelFeature>> = {
  vlan_filtering: 'vlan-filtering',
  vlan_protocol: 'vlan-filtering',
  vlan_default_pvid: 'vlan-filtering',
  mcast_querier: 'igmp-snooping',
  multicast_router: 'igmp-snooping',
  stp_state: 'stp',
  isolated: 'isolated',
  locked: 'locked',
  mab: 'mab',
  fdb_max_learned: 'fdb-limit',
};

function off(value: SettingValue): boolean {
  return value === 0 || value === false || value === '0';
}

function ofCommand(argv: readonly string[]): readonly KernelFeature[] {
  const has = (...words: readonly string[]): boolean =>
    words.every((word) => argv.some((argument) => argument.split(/\s+/).includes(word)));
  const [program] = argv;
  switch (program) {
    case 'nft':
      return has('bridge') ? ['nft-bridge'] : [];
    case 'tc':
      return ['tc-redirect'];
    case 'ip':
      return [
        ...(has('type', 'vlan') ? ['vlan-devices' as const] : []),
        ...(has('type', 'macvlan') ? ['macvlan' as const] : []),
      ];
    default:
      return [];
  }
}

/** Kernel features that a scenario needs and not every kernel has, each once. Needs of a file of rules are unknown. */
export function neededFeatures({ topology, steps }: Scenario): readonly KernelFeature[] {
  const settings = [
    ...topology.bridges.map((bridge) => bridge.settings),
    ...topology.endpoints.map((endpoint) => endpoint.settings),
    ...steps.flatMap((step) => step.set.map((change) => change.settings)),
  ];
  const sysctls = [topology.sysctl, ...steps.map((step) => step.sysctl)].flatMap((names) => Object.keys(names));
  const commands = steps.flatMap((step) => [...step.run, ...step.during.flatMap(({ run }) => run)]);
  const has = (feature: KernelFeature, needed: boolean): readonly KernelFeature[] => (needed ? [feature] : []);
  return [
    ...new Set([
      ...settings.flatMap((setting) =>
        Object.entries(setting).flatMap(([key, value]) => (off(value) ? [] : (bySetting[key] ?? []))),
      ),
      ...has(
        'vlan-filtering',
        steps.some(({ vlan }) => vlan.add.length + vlan.del.length > 0),
      ),
      ...has(
        'igmp-snooping',
        steps.some(({ mdb }) => mdb.add.length + mdb.del.length > 0),
      ),
      ...has(
        'sticky-entries',
        steps.some(({ fdb }) => fdb.add.some(({ sticky }) => sticky)),
      ),
      ...has(
        'ipv6',
        topology.endpoints.some(({ ips }) => ips.some(({ family }) => family === 6)),
      ),
      ...has(
        'br-netfilter',
        sysctls.some((name) => name.startsWith('net.bridge.')),
      ),
      ...has('tc-redirect', topology.provider === 'host'),
      ...has('vxlan', topology.provider === 'lab' && topology.endpoints.some(({ tunnel }) => tunnel !== undefined)),
      ...has(
        'macvlan',
        topology.endpoints.some(({ below, attach }) => below !== undefined && !sharesMac(attach)),
      ),
      ...has(
        'ipvlan',
        topology.endpoints.some(({ attach }) => sharesMac(attach)),
      ),
      ...commands.flatMap(ofCommand),
    ]),
  ];
}
