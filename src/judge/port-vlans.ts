import { objectsOf, textOf } from '../audit/fields.js';

interface PortVlan {
  readonly vid: number;
  readonly pvid: boolean;
}

/** `[{"ifname":"vnet0","vlans":[{"vlan":1,"flags":["PVID"]},{"vlan":10,"vlanEnd":20}]}]`, as `bridge -j vlan show` prints it. */
function entriesOf(vlan: unknown, port: string): readonly PortVlan[] {
  return objectsOf(vlan).filter((one) => textOf(one['ifname']) === port).flatMap((one) => objectsOf(one['vlans'])).flatMap((entry) => {
    const first = entry['vlan'];
    const last = entry['vlanEnd'] ?? first;
    const flags: unknown = entry['flags'];
    if (typeof first !== 'number' || typeof last !== 'number' || first < 1 || last > 4094 || last < first) return [];
    return Array.from({ length: last - first + 1 }, (_, index) => ({ vid: first + index, pvid: Array.isArray(flags) && flags.includes('PVID') }));
  });
}

/** VLANs that a port takes and gives, from the state's `vlan`. */
export function vlansOf(vlan: unknown, port: string): readonly number[] {
  return entriesOf(vlan, port).map(({ vid }) => vid);
}

/** The VLAN of untagged and priority-tagged frames; null where the port takes none. */
export function pvidOf(vlan: unknown, port: string): number | null {
  return entriesOf(vlan, port).find(({ pvid }) => pvid)?.vid ?? null;
}
