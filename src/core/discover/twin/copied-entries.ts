import { isGroupMacText } from '../../wire/ethernet.js';
import type { HostState, LinkState } from '../../model/state.js';
import { fieldsOf, objectsOf, textOf } from '../../text/json-text.js';

/** `fdb.add` and `mdb.add` of a step, and what of the tables no step can make. */
export interface CopiedEntries {
  readonly fdb: readonly {
    readonly mac: string;
    readonly port: string;
    readonly state?: 'static' | 'permanent';
    readonly sticky?: true;
    readonly vlan?: number;
    readonly self?: true;
  }[];
  readonly mdb: readonly { readonly group: string; readonly port: string; readonly vlan?: number }[];
  readonly missing: readonly string[];
}

/**
 * What was written into a bridge's tables by hand or by a program: static and permanent entries. What the bridge has
 * learned is not copied, since guests of the twin announce themselves. `ports`: those of the twin.
 */
export function copiedEntries(state: HostState, bridge: LinkState, ports: ReadonlySet<string>): CopiedEntries {
  const bridgeMacs = new Set(
    state.links.filter(({ name, master }) => name === bridge.name || master === bridge.name).map(({ mac }) => mac),
  );
  const missing: string[] = [];
  const fdb = state.fdb.flatMap((entry): CopiedEntries['fdb'] => {
    const { mac, port, master, vlan, flags } = entry;
    if (isGroupMacText(mac) || bridgeMacs.has(mac) || entry.state === 'dynamic') return [];
    const inVlan = vlan === null ? {} : { vlan };
    if (port === bridge.name) return entry.state === 'permanent' ? [{ mac, port, self: true, ...inVlan }] : [];
    if (master !== bridge.name) return [];
    if (!ports.has(port) || flags.some((flag) => ['extern_learn', 'offload'].includes(flag))) {
      missing.push(
        `entry ${mac} on ${port}${ports.has(port) ? `: another program keeps it (${flags.join(', ')})` : ': the port is not in the twin'}`,
      );
      return [];
    }
    const twinState = entry.state === 'permanent' ? 'permanent' : 'static';
    return [{ mac, port, state: twinState, ...(flags.includes('sticky') ? { sticky: true as const } : {}), ...inVlan }];
  });
  const groups = objectsOf(state.mdb)
    .flatMap((part) => objectsOf(part['mdb']))
    .filter((entry) => entry['dev'] === bridge.name);
  const mdb = groups.flatMap((entry): CopiedEntries['mdb'] => {
    const [group, port] = [textOf(entry['grp']), textOf(entry['port'])];
    const vlan = entry['vid'];
    if (group === null || port === null || entry['state'] !== 'permanent' || port === bridge.name) return [];
    if (!ports.has(port) || fieldsOf(entry['src']) !== null || textOf(entry['src']) !== null) {
      missing.push(`member ${port} of ${group}`);
      return [];
    }
    return [{ group, port, ...(typeof vlan === 'number' && vlan > 0 ? { vlan } : {}) }];
  });
  const joined = groups.filter((entry) => entry['state'] === 'temp' && entry['port'] !== bridge.name).length;
  if (joined > 0) missing.push(`${joined} members of multicast groups that joined by themselves (IGMP, MLD)`);
  return { fdb, mdb, missing };
}
