import { isOnPort, isRoutedTo } from '../model/attach.js';
import { bareName } from '../model/host-names.js';
import type { Carrier, Endpoint, Mac } from '../model/scenario.js';
import { macText } from '../wire/ethernet.js';
import { ipv6Text } from '../wire/ipv6.js';

/** RFC 5737 and RFC 3849 documentation addresses: nobody answers for them. */
export const documentation = {
  ipv4: ['192.0.2.1', '192.0.2.2'],
  ipv6: ['2001:db8::1', '2001:db8::2'],
  /** What a spoofer claims to be. */
  spoofed4: '198.51.100.66',
  spoofed6: '2001:db8:bad::66',
} as const;

export const broadcastMac = 'ff:ff:ff:ff:ff:ff';

/** The link-local address that a MAC makes (RFC 4291 2.5.6 and appendix A: `fffe` in the middle, U/L bit turned). */
export function linkLocalAddress(mac: Mac | undefined): string {
  const [a = 2, b = 0, c = 0, d = 0, e = 0, f = 0] = (mac ?? '').split(':').map((byte) => Number.parseInt(byte, 16));
  return ipv6Text(Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f), 0);
}

/**
 * MACs that several machines share, and move between them: VRRP and CARP (RFC 9568 7.3), HSRP, GLBP, and clusters of
 * Windows' load balancing. To speak with one would take it from whichever has it.
 */
const shared = /^(00:00:5e:00:0[12]:|00:00:0c:07:ac:|00:00:0c:9f:f|00:05:73:a0:0|00:07:b4:|0[23]:bf:)/;

/** Does a MAC belong to no machine but to a service of several? */
export function isSharedMac(mac: Mac): boolean {
  return shared.test(mac);
}

/**
 * MACs of an endpoint that announce themselves, and to which known unicast is sent: the first, and behind a port of a
 * bridge others as well, as a guest has them that runs guests itself.
 */
export function probedMacs({ macs: [first, ...others], attach }: Endpoint): readonly Mac[] {
  if (first === undefined) return [];
  return isOnPort(attach) ? [first, ...others.filter((mac) => !isSharedMac(mac))] : [first];
}

export function familyOf(carrier: Carrier): 4 | 6 | null {
  switch (carrier) {
    case 'raw':
      return null;
    case 'arp':
    case 'ipv4-udp':
    case 'ipv4-tcp':
    case 'ipv4-icmp':
      return 4;
    case 'ipv6-udp':
    case 'ipv6-icmp':
      return 6;
  }
}

/** Documentation addresses for source and destination of a carrier's frame; null for raw. */
export function documentationPair(carrier: Carrier): readonly [source: string | null, destination: string | null] {
  const family = familyOf(carrier);
  if (family === null) return [null, null];
  return family === 4 ? documentation.ipv4 : documentation.ipv6;
}

/**
 * The IP addresses of a frame between two endpoints: their own where both have the family, else documentation
 * addresses; null for raw.
 */
export function ipPair(
  carrier: Carrier,
  from: Endpoint,
  to: Endpoint | null,
): { readonly srcIp: string | null; readonly dstIp: string | null } {
  const family = familyOf(carrier);
  if (family === null) return { srcIp: null, dstIp: null };
  const ownAddress = from.ips.find((ip) => ip.family === family)?.address;
  const peerAddress = to?.ips.find((ip) => ip.family === family)?.address;
  const [first, second] = family === 4 ? documentation.ipv4 : documentation.ipv6;
  return { srcIp: ownAddress ?? first, dstIp: peerAddress ?? second };
}

/**
 * The MAC to which a guest sends what is for another one: that one's own, or where the host routes and the frame
 * carries a packet, the host's at the sender's port. `bridgeMacs`: by port, else by bridge.
 */
export function macTowards(
  from: Endpoint,
  to: Endpoint,
  carrier: Carrier,
  bridgeMacs: Readonly<Record<string, Mac>>,
): Mac | undefined {
  return isRoutedTo(from.attach) && familyOf(carrier) !== null && carrier !== 'arp'
    ? hostMac(from, bridgeMacs)
    : to.macs[0];
}

/** The host's MAC as a guest sees it: of its own port where the host routes, else of its bridge. */
export function hostMac({ port, bridge }: Endpoint, bridgeMacs: Readonly<Record<string, Mac>>): Mac | undefined {
  return bridgeMacs[port ?? ''] ?? bridgeMacs[bridge];
}

/**
 * A locally administered unicast MAC (IEEE 802, U/L bit set) that no endpoint has: `06`, `16` to `f6`, then the run's
 * tag and a byte; another one for each number below 4,096, for a bridge learns it where it is a source.
 */
export function inventedMac(runTag: number, ordinal: number): Mac {
  return macText([
    0x06 | ((ordinal >>> 4) & 0xf0),
    (runTag >>> 24) & 0xff,
    (runTag >>> 16) & 0xff,
    (runTag >>> 8) & 0xff,
    runTag & 0xff,
    ordinal & 0xff,
  ]);
}

/** True if a MAC is one that `inventedMac` gives to that run, whatever the number. */
export function isInventedBy(runTag: number): (mac: Mac) => boolean {
  const common = (mac: Mac): string => mac.slice(1, -2);
  const ofRun = common(inventedMac(runTag, 0));
  return (mac) => common(mac) === ofRun;
}

/**
 * Carriers of a unicast probe where the scenario names none: raw, and UDP over the IP that both have (IPv4 where
 * neither has any).
 */
export function unicastCarriers(from: Endpoint, to: Endpoint | null): readonly Carrier[] {
  const has = (family: 4 | 6): boolean =>
    [from, ...(to === null ? [] : [to])].every((endpoint) => endpoint.ips.some((ip) => ip.family === family));
  return !has(4) && has(6) ? ['raw', 'ipv6-udp'] : ['raw', 'ipv4-udp'];
}

/** Names of the endpoints on a bridge, on whichever host, that have one of the roles. */
export function namesByRole(
  endpoints: Iterable<Endpoint>,
  bridge: string,
  roles: readonly Endpoint['role'][],
): readonly string[] {
  return [...endpoints]
    .filter((endpoint) => bareName(endpoint.bridge) === bareName(bridge) && roles.includes(endpoint.role))
    .map((endpoint) => endpoint.name);
}
