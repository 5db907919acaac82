import { bridgeSettings, portSettings } from '../../bridge/attributes.js';
import { linkNamed } from '../../bridge/host.js';
import { isOn, isSameSetting } from '../../bridge/setting-value.js';
import type { Settings, SettingValue } from '../../model/scenario.js';
import type { Setting } from '../../model/settings.js';
import type { HostState } from '../../model/state.js';
import { filled, without } from '../../text/collections.js';
import { foundVlans } from '../found-vlans.js';
import type { WrittenProbe } from './steps.js';
import { type WholeFound, type WholeInput, wholeScenario } from './compose.js';

const head = [
  'This lab shows what the kernel does with these settings, not what the host does. Not copied:',
  '- rules that filter, copy or move frames: nft, iptables and ebtables, tc, XDP, Open vSwitch and its bridges',
  '- static entries and neighbours, members of multicast groups, MTUs, sysctls, the times of spanning tree',
  '- guests on no bridge or behind a bridge device, other namespaces, routes between bridges',
  '- what virtual machines, relays and other programs do themselves',
  '- MACs that are not on record: another stands for each',
];

/** A host of which nothing but the settings of Linux bridges is known. */
function bridgesAlone(input: WholeInput): WholeInput {
  const { state, wishes } = input;
  const links = state.links.filter(({ kind }) => kind !== 'openvswitch');
  return {
    ...input,
    state: { ...without(state, ['ovs']), links, tc: null, nft: null, sysctl: {} },
    behind: [],
    beside: { devices: [], bridges: [], routes: [], sysctl: {} },
    netns: null,
    wishes: { ...wishes, rules: 0, inLab: true },
  };
}

/** The kernel keeps times in its own ticks, and prints 3124 or 3125. */
function isDefault({ key, kind, default: usual }: Setting, value: SettingValue, place: 'bridge' | 'port'): boolean {
  if (usual === undefined) return false;
  return kind === 'centiseconds'
    ? Math.abs(Number(value) - Number(usual)) <= 1
    : isSameSetting(place, key, value, usual);
}

function written({ kind }: Setting, value: SettingValue): SettingValue {
  switch (kind) {
    case 'switch':
      return isOn(value) ? 'on' : 'off';
    case 'centiseconds':
      return `${Number(value) * 10}ms`;
    case 'mask':
      return `0x${Number.parseInt(String(value), 16).toString(16)}`;
    case 'number':
    case 'text':
      return value;
  }
}

/** Those that differ from a new device's. Without a default they decide when a port forwards, not what. */
function changed(place: 'bridge' | 'port', values: Settings | null | undefined, ports: ReadonlySet<string>): Settings {
  return Object.fromEntries(
    (place === 'bridge' ? bridgeSettings : portSettings).flatMap((setting) => {
      const value = values?.[setting.key];
      const isCopied = setting.default !== undefined || ports.has(String(value));
      return value === undefined || !isCopied || isDefault(setting, value, place)
        ? []
        : [[setting.key, written(setting, value)] as const];
    }),
  );
}

/** VLANs of a bridge device. Ports without VLANs stay so, where a new one would be in the default VLAN. */
function deviceVlans(state: HostState, bridge: string, ports: Iterable<string>): object {
  const isBare = (device: string): boolean => foundVlans(state, bridge, device).length === 0;
  if (!isOn(linkNamed(state, bridge)?.bridge?.['vlan_filtering'])) return {};
  return {
    ...([bridge, ...ports].some(isBare) ? { vlan_default_pvid: 0 } : {}),
    ...filled({ vlans: foundVlans(state, bridge, bridge) }),
  };
}

/** False if every endpoint may see it. On a host ports may come that may not; a lab has none. */
function forbidsSomebody({ from, may_see: may }: WrittenProbe, names: readonly string[]): boolean {
  if (may === undefined) return names.length > 2;
  const forbidden = names.filter((name) => !may.includes(name));
  return forbidden.length > 1 || forbidden.some((name) => from.length > 1 || from[0] !== name);
}

/**
 * A lab with the Linux bridges of a host, their ports as endpoints, and settings that differ from the kernel's
 * defaults. Throws VerifyError as `wholeScenario`.
 */
export function labScenario(input: WholeInput): Omit<WholeFound, 'scenario'> & { readonly scenario: object } {
  const { state } = input;
  const { scenario, notes, ...remarks } = wholeScenario(bridgesAlone(input));
  const endpoints = Object.entries(scenario.topology.endpoints);
  const names = endpoints.map(([name]) => name);
  const portOf = (endpoint: (typeof endpoints)[number][1]): readonly string[] =>
    'port' in endpoint ? [endpoint.port] : [];
  const ports = new Set(endpoints.flatMap(([, endpoint]) => portOf(endpoint)));
  return {
    ...remarks,
    notes: [...head, ...notes],
    scenario: {
      ...scenario,
      name: scenario.name.replace('host', 'lab'),
      steps: scenario.steps
        .map((step) => ({ ...step, probe: step.probe.filter((probe) => forbidsSomebody(probe, names)) }))
        .filter(({ probe }) => probe.length > 0),
      topology: {
        provider: 'lab',
        bridges: Object.fromEntries(
          Object.keys(scenario.topology.bridges).map((name) => {
            const onBridge = endpoints.flatMap(([, endpoint]) => (endpoint.bridge === name ? portOf(endpoint) : []));
            return [
              name,
              { ...changed('bridge', linkNamed(state, name)?.bridge, ports), ...deviceVlans(state, name, onBridge) },
            ];
          }),
        ),
        endpoints: Object.fromEntries(
          endpoints.map(([name, endpoint]) => {
            const [port = ''] = portOf(endpoint);
            return [
              name,
              { ...endpoint, ...filled({ settings: changed('port', linkNamed(state, port)?.port, ports) }) },
            ];
          }),
        ),
      },
    },
  };
}
