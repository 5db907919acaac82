import { portsOf, groupMembers } from '../../bridge/host.js';
import { given } from '../../text/collections.js';
import { isGroupMacText } from '../../wire/ethernet.js';
import type { HostState, LinkState } from '../../model/state.js';

/** `fdb.add` and `mdb.add` of a step, and entries that no step can make. */
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
 * Static and permanent entries of a bridge's tables. Learned ones are not copied, as the twin's guests announce
 * themselves. `ports`: the twin's.
 */
export function copiedEntries(state: HostState, bridge: LinkState, ports: ReadonlySet<string>): CopiedEntries {
  const bridgeMacs = new Set([bridge, ...portsOf(state, bridge.name)].map(({ mac }) => mac));
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
  const groups = groupMembers(state).filter((member) => member.bridge === bridge.name && member.port !== bridge.name);
  const mdb = groups.flatMap(({ group, port, vlan, source, state: made }): CopiedEntries['mdb'] => {
    if (made !== 'permanent' || group === null) return [];
    if (!ports.has(port) || source !== null) {
      missing.push(`member ${port} of ${group}`);
      return [];
    }
    return [{ group, port, ...given({ vlan }) }];
  });
  const joined = groups.filter((member) => member.state === 'temp').length;
  if (joined > 0) missing.push(`${joined} members of multicast groups that joined by themselves (IGMP, MLD)`);
  return { fdb, mdb, missing };
}
