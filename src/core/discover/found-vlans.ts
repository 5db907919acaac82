import { linkNamed, portVlans } from '../bridge/host.js';
import { membersOf } from '../bridge/ovs-settings.js';
import type { HostState, OvsPortState } from '../model/state.js';
import { isOn } from '../bridge/setting-value.js';

/** `vlans` of an endpoint in a scenario file. */
export interface FoundVlan {
  readonly vid: number | string;
  readonly pvid?: true;
  readonly untagged?: true;
}

/** The ends of `10-20`, or of a single VLAN. */
export function vlanRange({ vid }: FoundVlan): readonly [first: number, last: number] {
  const [first = 0, last = first] = String(vid).split('-').map(Number);
  return [first, last];
}

/** VLANs of a port, or of the bridge itself, from `bridge -j vlan show`. */
export function vlansInState(state: HostState, port: string): readonly FoundVlan[] {
  return (portVlans(state, port)?.ranges ?? []).map(({ first, last, pvid, untagged }) => ({
    vid: last === first ? first : `${first}-${last}`,
    ...(pvid ? { pvid: true as const } : {}),
    ...(untagged ? { untagged: true as const } : {}),
  }));
}

/** ovs-vswitchd.conf.db(5), Port: tag, trunks, vlan_mode; none for a trunk of all. VLAN 0 is untagged. */
function ovsVlans({ columns }: OvsPortState): readonly FoundVlan[] {
  const numbers = (value: unknown): readonly number[] =>
    membersOf(value).filter((member): member is number => typeof member === 'number' && member > 0);
  const [tag] = numbers(columns['tag']);
  const mode = membersOf(columns['vlan_mode'])[0];
  const trunks =
    mode === 'access' || (mode === undefined && tag !== undefined)
      ? []
      : numbers(columns['trunks']).filter((vid) => vid !== tag);
  const native =
    tag === undefined || mode === 'trunk'
      ? []
      : [{ vid: tag, pvid: true as const, ...(mode === 'native-tagged' ? {} : { untagged: true as const }) }];
  return [...native, ...inRanges(trunks).map((vid) => ({ vid }))];
}

/** `20-29`. */
function inRanges(numbers: readonly number[]): readonly (number | string)[] {
  const ranges: { first: number; last: number }[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range?.last === number - 1) range.last = number;
    else ranges.push({ first: number, last: number });
  }
  return ranges.map(({ first, last }) => (first === last ? first : `${first}-${last}`));
}

/** VLANs of a port, of the kernel or Open vSwitch; none if a kernel bridge does not filter and ignores them. */
export function foundVlans(state: HostState, bridge: string, port: string): readonly FoundVlan[] {
  const switched = state.ovs?.ports.find((ovsPort) => ovsPort.bridge === bridge && ovsPort.name === port);
  if (switched !== undefined) return ovsVlans(switched);
  const filtering = linkNamed(state, bridge)?.bridge?.['vlan_filtering'];
  return isOn(filtering) ? vlansInState(state, port) : [];
}
