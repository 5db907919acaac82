import { fieldsOf, objectsOf, textOf } from '../text/json-text.js';

/** The VLANs of a port: which one untagged frames of it travel in, and all that it is in. */
export interface PortVlans {
  readonly native: number | null;
  readonly members: ReadonlySet<number>;
}

/**
 * From `bridge -j vlan`: `[{"ifname":"vnet0","vlans":[{"vlan":1,"flags":["PVID","Egress
 * Untagged"]},{"vlan":20,"vlanEnd":29}]}]`. null = the port is not listed.
 */
export function portVlans(json: unknown, name: string): PortVlans | null {
  const port = objectsOf(json).find((entry) => textOf(entry['ifname']) === name);
  if (port === undefined) return null;
  const ranges = objectsOf(port['vlans']).flatMap((range) => {
    const { vlan, vlanEnd = vlan, flags } = fieldsOf(range) ?? {};
    return typeof vlan === 'number' && typeof vlanEnd === 'number' && vlan <= vlanEnd && vlanEnd <= 4095
      ? [{ first: vlan, last: vlanEnd, pvid: Array.isArray(flags) && flags.includes('PVID') }]
      : [];
  });
  return {
    native: ranges.find(({ pvid }) => pvid)?.first ?? null,
    members: new Set(
      ranges.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, at) => first + at)),
    ),
  };
}
