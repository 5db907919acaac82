import type { SettingValue } from '../../core/model/scenario.js';
import type { FdbState, LinkState, NeighbourState } from '../../core/model/state.js';
import { isGroupMacText } from '../../core/wire/ethernet.js';
import { type Fields, fieldsOf, numberOf, objectsOf, textOf, textsOf } from '../../core/text/json-text.js';

/**
 * The links of `ip -j -d link`. `sysFlagsOf` gives /sys/class/net/NAME/flags, null where it cannot be read. Entries
 * without name or index are left out.
 */
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
    ...lowerOf(link.link),
    ...peerOf(link.link_index),
    ...xdpOf(link.xdp),
    ...switchOf(link.phys_switch_id),
    ...vniOf(kind, info?.info_data),
    ...vtepsOf(kind, info?.info_data),
    ...modeOf(kind, info?.info_data),
    ...queuesOf(kind, info?.info_data),
    ...vlanIdOf(kind, info?.info_data),
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

function lowerOf(value: unknown): { readonly lower?: string } {
  const lower = textOf(value);
  return lower === null ? {} : { lower };
}

function peerOf(value: unknown): { readonly peer?: number } {
  const peer = numberOf(value);
  return peer === null ? {} : { peer };
}

const stacked: readonly (string | null)[] = ['macvlan', 'macvtap', 'ipvlan', 'ipvtap'];

function modeOf(kind: string | null, data: unknown): { readonly mode?: string } {
  const mode = stacked.includes(kind) ? textOf(fieldsOf(data)?.mode) : null;
  return mode === null ? {} : { mode };
}

/** iproute2 ip/iptuntap.c, print_tuntap; a tap of a single queue has no number of them. */
function queuesOf(kind: string | null, data: unknown): Pick<LinkState, 'queues' | 'queuesOff'> {
  const [queues, queuesOff] = [numberOf(fieldsOf(data)?.numqueues), numberOf(fieldsOf(data)?.numdisabled)];
  if (kind !== 'tun' || queues === null) return {};
  return { queues, ...(queuesOff === null || queuesOff === 0 ? {} : { queuesOff }) };
}

function vlanIdOf(kind: string | null, data: unknown): { readonly vlanId?: number } {
  const vlanId = kind === 'vlan' ? numberOf(fieldsOf(data)?.id) : null;
  return vlanId === null ? {} : { vlanId };
}

function vniOf(kind: string | null, data: unknown): { readonly vni?: number } {
  const vni = kind === 'vxlan' ? numberOf(fieldsOf(data)?.id) : null;
  return vni === null ? {} : { vni };
}

/** One that names no address gets frames at all of its host, which the caller adds. */
function vtepsOf(kind: string | null, data: unknown): { readonly vteps?: readonly string[] } {
  const local = textOf(fieldsOf(data)?.local) ?? textOf(fieldsOf(data)?.local6);
  return kind !== 'vxlan' || local === null ? {} : { vteps: [local] };
}

/** IFLA_PHYS_SWITCH_ID, as iproute2 prints it (ip/ipaddress.c). */
function switchOf(value: unknown): { readonly switchId?: string } {
  const switchId = textOf(value);
  return switchId === null ? {} : { switchId };
}

/** `"xdp":{"mode":1,"prog":{"id":12,…}}` where a program is attached (iproute2 ip/iplink_xdp.c). */
function xdpOf(value: unknown): { readonly xdp?: string } {
  const program = fieldsOf(fieldsOf(value)?.prog);
  return fieldsOf(value) === null
    ? {}
    : { xdp: `program ${textOf(program?.name) ?? ''} id ${numberOf(program?.id) ?? 'unknown'}`.replace('  ', ' ') };
}

/** The entries of `bridge -j -s fdb`; the kernel prints no state for a learned one, which is reported as `dynamic`. */
export function parseFdb(json: unknown): readonly FdbState[] {
  return objectsOf(json).flatMap((entry) => {
    const mac = textOf(entry.mac);
    const port = textOf(entry.ifname);
    if (mac === null || port === null) return [];
    const state = textOf(entry.state);
    return [
      {
        mac,
        port,
        master: textOf(entry.master),
        vlan: numberOf(entry.vlan),
        state: state === null || state === '' ? 'dynamic' : state,
        flags: textsOf(entry.flags),
        ...(textOf(entry.dst) === null ? {} : { dst: textOf(entry.dst) ?? '' }),
        usedS: numberOf(entry.used),
        updatedS: numberOf(entry.updated),
      },
    ];
  });
}

/** States in which the kernel answers with an entry (NUD_VALID, include/net/neighbour.h), and those no guest made. */
const validStates = ['REACHABLE', 'STALE', 'DELAY', 'PROBE', 'PERMANENT', 'NOARP'] as const;
const staticStates: readonly string[] = ['PERMANENT', 'NOARP'];

/** The valid entries of `ip -j neigh show nud all`, but group addresses. */
export function parseNeighbourTable(json: unknown): readonly NeighbourState[] {
  return objectsOf(json).flatMap((entry) => {
    const [address, mac, device] = [textOf(entry.dst), textOf(entry.lladdr), textOf(entry.dev)];
    const states = textsOf(entry.state);
    const isValid = validStates.some((state) => states.includes(state));
    if (address === null || mac === null || device === null || !isValid || isGroupMacText(mac)) return [];
    return [{ address, mac, device, isStatic: states.some((state) => staticStates.includes(state)) }];
  });
}
