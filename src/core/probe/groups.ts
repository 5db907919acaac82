import type { Carrier, Mac, MdbEntry } from '../model/scenario.js';
import { macText } from '../wire/ethernet.js';
import { ipv4Bytes } from '../wire/ipv4.js';
import { ipv6Bytes } from '../wire/ipv6.js';
import { familyOf } from './addresses.js';

/** Default groups without members: administratively scoped (RFC 2365 6.2), and IPv6 with global scope. */
const defaultGroups = { ipv4: '239.118.105.1', ipv6: 'ff0e::7669:1' } as const;

/**
 * A group's MAC: of IPv4 its low 23 bits behind 01:00:5e (RFC 1112 6.4), of IPv6 its low 32 behind 33:33 (RFC 2464 7);
 * a MAC is itself.
 */
export function groupMac(group: string): Mac {
  const v4 = ipv4Bytes(group);
  if (v4 !== null) return macText([0x01, 0x00, 0x5e, (v4[1] ?? 0) & 0x7f, v4[2] ?? 0, v4[3] ?? 0]);
  const v6 = ipv6Bytes(group);
  return v6 === null ? group : macText([0x33, 0x33, ...v6.subarray(12)]);
}

function familyOfGroup(group: string): 4 | 6 | null {
  if (ipv4Bytes(group) !== null) return 4;
  return ipv6Bytes(group) !== null ? 6 : null;
}

/** The scenario's group if it has the carrier's family, else the class's. */
export function groupFor(
  carrier: Carrier,
  chosen: string | null,
  otherwise: { readonly ipv4: string; readonly ipv6: string } = defaultGroups,
): { readonly ip: string | null; readonly mac: Mac } {
  const family = familyOf(carrier);
  const usual = family === 6 ? otherwise.ipv6 : otherwise.ipv4;
  const group =
    chosen === null || (family !== null && familyOfGroup(chosen) !== null && familyOfGroup(chosen) !== family)
      ? usual
      : chosen;
  const mac = groupMac(group);
  if (family === null) return { ip: null, mac };
  return { ip: familyOfGroup(group) === family ? group : usual, mac };
}

/** Default carriers of multicast: raw, and UDP over the group's family, or the sender's. */
export function groupCarriers(chosen: string | null, hasIpv6: boolean): readonly Carrier[] {
  const family = chosen === null ? null : familyOfGroup(chosen);
  if (chosen !== null && family === null) return ['raw'];
  if (family !== null) return ['raw', family === 4 ? 'ipv4-udp' : 'ipv6-udp'];
  return hasIpv6 ? ['raw', 'ipv4-udp', 'ipv6-udp'] : ['raw', 'ipv4-udp'];
}

/** Ports of the group in the multicast database. */
export function memberPorts(
  mdb: readonly MdbEntry[],
  group: { readonly ip: string | null; readonly mac: Mac },
): ReadonlySet<string> {
  return new Set(mdb.filter((entry) => groupMac(entry.group) === group.mac).map((entry) => entry.port));
}
