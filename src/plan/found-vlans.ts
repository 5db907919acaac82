import { fieldsOf, objectsOf } from '../model/json-fields.js';
import type { HostState } from '../model/state.js';

/** `vlans` of an endpoint as a scenario file has it. */
export interface FoundVlan {
  readonly vid: number | string;
  readonly pvid?: true;
  readonly untagged?: true;
}

/** VLANs of a port, or of the bridge itself, from `bridge -j vlan show`. */
export function vlansInState(state: HostState, port: string): readonly FoundVlan[] {
  return objectsOf(state.vlan).filter((one) => one['ifname'] === port).flatMap((one) => objectsOf(one['vlans'])).flatMap((vlan): readonly FoundVlan[] => {
    const { vlan: first, vlanEnd: last, flags } = fieldsOf(vlan) ?? {};
    if (typeof first !== 'number') return [];
    const has = (flag: string): boolean => Array.isArray(flags) && flags.includes(flag);
    return [{ vid: typeof last === 'number' && last !== first ? `${first}-${last}` : first, ...(has('PVID') ? { pvid: true as const } : {}), ...(has('Egress Untagged') ? { untagged: true as const } : {}) }];
  });
}

/** The same; none where the bridge does not filter, since they then mean nothing to the kernel. */
export function foundVlans(state: HostState, bridge: string, port: string): readonly FoundVlan[] {
  const filtering = state.links.find(({ name }) => name === bridge)?.bridge?.['vlan_filtering'];
  return filtering === 1 || filtering === true ? vlansInState(state, port) : [];
}
