import type { SettingValue } from '../../core/model/scenario.js';
import type { NeighbourState } from '../../core/model/routing-state.js';
import type { FdbState, LinkState } from '../../core/model/state.js';
import { isGroupMacText } from '../../core/wire/ethernet.js';
import { type Fields, fieldsOf, numberOf, objectsOf, textOf, textsOf } from '../../core/text/json-text.js';
import { given } from '../../core/text/collections.js';

/** Links of `ip -j -d link` with name and index. `sysFlagsOf`: /sys/class/net/NAME/flags, null = unreadable. */
export function parseLinks(json: unknown, sysFlagsOf: (name: string) => number | null): readonly LinkState[] {
  return objectsOf(json).flatMap((link) => {
    const name = textOf(link.ifname);
    const ifindex = numberOf(link.ifindex);
    return name === null || ifindex === null ? [] : [parseLink(link, name, ifindex, sysFlagsOf(name))];
  });
}

function parseLink(link: Fields, name: string, ifindex: number, sysFlags: number | null): LinkState {
  const info = fieldsOf(link.linkinfo);
  const kind = textOf(info?.info_kind);
  return {
    name,
    ifindex,
    mac: textOf(link.address) ?? '',
    mtu: numberOf(link.mtu) ?? 0,
    flags: textsOf(link.flags),
    operstate: textOf(link.operstate) ?? 'UNKNOWN',
    master: textOf(link.master),
    promiscuity: numberOf(link.promiscuity),
    ...given({
      lower: textOf(link.link),
      peer: numberOf(link.link_index),
      xdp: xdpOf(link.xdp),
      // IFLA_PHYS_SWITCH_ID, as iproute2 prints it (ip/ipaddress.c)
      switchId: textOf(link.phys_switch_id),
    }),
    ...factsOfKind.get(kind)?.(fieldsOf(info?.info_data) ?? {}),
    kind,
    sysFlags,
    bridge: kind === 'bridge' ? settingsOf(info?.info_data) : null,
    port: info?.info_slave_kind === 'bridge' ? settingsOf(info.info_slave_data) : null,
  };
}

function settingsOf(value: unknown): Readonly<Record<string, SettingValue>> {
  const settings: Record<string, SettingValue> = {};
  for (const [key, item] of Object.entries(fieldsOf(value) ?? {})) {
    if (typeof item === 'string' || typeof item === 'number' || typeof item === 'boolean') settings[key] = item;
  }
  return settings;
}

const modeOf = ({ mode }: Fields): Partial<LinkState> => given({ mode: textOf(mode) });

const factsOfKind = new Map<string | null, (data: Fields) => Partial<LinkState>>([
  ...(['macvlan', 'macvtap', 'ipvlan', 'ipvtap'] as const).map((kind) => [kind, modeOf] as const),
  ['vlan', ({ id }) => given({ vlanId: numberOf(id) })],
  [
    'vxlan', // without an address it receives at any of its host's, which the caller adds
    ({ id, local, local6 }) => {
      const address = textOf(local) ?? textOf(local6);
      return given({ vni: numberOf(id), vteps: address === null ? null : [address] });
    },
  ],
  [
    'tun', // iproute2 ip/iptuntap.c, print_tuntap; a tap with a single queue has no count
    ({ numqueues, numdisabled }) => {
      const queues = numberOf(numqueues);
      return queues === null ? {} : given({ queues, queuesOff: numberOf(numdisabled) || null });
    },
  ],
]);

/** `"xdp":{"mode":1,"prog":{"id":12,…}}` (iproute2 ip/iplink_xdp.c). */
function xdpOf(value: unknown): string | null {
  const program = fieldsOf(fieldsOf(value)?.prog);
  return fieldsOf(value) === null
    ? null
    : `program ${textOf(program?.name) ?? ''} id ${numberOf(program?.id) ?? 'unknown'}`.replace('  ', ' ');
}

/** Entries of `bridge -j -s fdb`. Without a state they are learned: `dynamic`. */
export function parseFdb(json: unknown): readonly FdbState[] {
  return objectsOf(json).flatMap((entry) => {
    const mac = textOf(entry.mac);
    const port = textOf(entry.ifname);
    if (mac === null || port === null) return [];
    return [
      {
        mac,
        port,
        master: textOf(entry.master),
        vlan: numberOf(entry.vlan),
        state: textOf(entry.state) || 'dynamic',
        flags: textsOf(entry.flags),
        ...given({ dst: textOf(entry.dst) }),
        usedS: numberOf(entry.used),
        updatedS: numberOf(entry.updated),
      },
    ];
  });
}

/** NUD_VALID (include/net/neighbour.h), and states not made by guests. */
const validStates = ['REACHABLE', 'STALE', 'DELAY', 'PROBE', 'PERMANENT', 'NOARP'] as const;
const staticStates: readonly string[] = ['PERMANENT', 'NOARP'];

/** Valid entries of `ip -j neigh show nud all`, without group addresses. */
export function parseNeighbourTable(json: unknown): readonly NeighbourState[] {
  return objectsOf(json).flatMap((entry) => {
    const [address, mac, device] = [textOf(entry.dst), textOf(entry.lladdr), textOf(entry.dev)];
    const states = textsOf(entry.state);
    const isValid = validStates.some((state) => states.includes(state));
    if (address === null || mac === null || device === null || !isValid || isGroupMacText(mac)) return [];
    return [{ address, mac, device, isStatic: states.some((state) => staticStates.includes(state)) }];
  });
}
