import { isOnPort, isRoutedTo } from '../model/attach.js';
import { bareName } from '../model/host-names.js';
import type { Carrier, Endpoint, Mac } from '../model/scenario.js';
import { macText } from '../wire/ethernet.js';
import { ipv6Text } from '../wire/ipv6.js';

/** RFC 5737 and RFC 3849 documentation addresses, which no station has. */
export const documentation = {
  ipv4: ['192.0.2.1', '192.0.2.2'],
  ipv6: ['2001:db8::1', '2001:db8::2'],
  spoofed4: '198.51.100.66',
  spoofed6: '2001:db8:bad::66',
} as const;

export const broadcastMac = 'ff:ff:ff:ff:ff:ff';

/** A MAC's link-local address (RFC 4291 2.5.6 and appendix A: `fffe` in the middle, U/L bit inverted). */
export function linkLocalAddress(mac: Mac | undefined): string {
  const [a = 2, b = 0, c = 0, d = 0, e = 0, f = 0] = (mac ?? '').split(':').map((byte) => Number.parseInt(byte, 16));
  return ipv6Text(Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f), 0);
}

/**
 * MACs of services that move between machines: VRRP and CARP (RFC 9568 7.3), HSRP, GLBP, Windows' load balancing.
 * Sending with one would take it from its owner.
 */
const shared = /^(00:00:5e:00:0[12]:|00:00:0c:07:ac:|00:00:0c:9f:f|00:05:73:a0:0|00:07:b4:|0[23]:bf:)/;

/** True for a MAC of a service of several machines. */
export function isSharedMac(mac: Mac): boolean {
  return shared.test(mac);
}

/**
 * MACs that announce themselves and get known unicast: an endpoint's first, and behind a bridge port others, as of a
 * guest with guests of its own.
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

/** Source and destination for a carrier; null for raw. */
export function documentationPair(carrier: Carrier): readonly [source: string | null, destination: string | null] {
  const family = familyOf(carrier);
  if (family === null) return [null, null];
  return family === 4 ? documentation.ipv4 : documentation.ipv6;
}

/** Addresses of a frame: the endpoints' own if both have the family, else documentation addresses; null for raw. */
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
 * The destination MAC of frames to an endpoint: its own, or the host's at the sender's port for routed packets.
 * `bridgeMacs`: by port, else by bridge.
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

/** The host's MAC for a guest: of its port if the host routes, else of its bridge. */
export function hostMac({ port, bridge }: Endpoint, bridgeMacs: Readonly<Record<string, Mac>>): Mac | undefined {
  return bridgeMacs[port ?? ''] ?? bridgeMacs[bridge];
}

/**
 * A locally administered unicast MAC (IEEE 802, U/L bit set) of no endpoint: `06`, `16` to `f6`, then run's tag and a
 * byte; distinct for numbers below 4,096, as bridges learn it as a source.
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

/** Tests whether a MAC is one of `inventedMac` for that run. */
export function isInventedBy(runTag: number): (mac: Mac) => boolean {
  const common = (mac: Mac): string => mac.slice(1, -2);
  const ofRun = common(inventedMac(runTag, 0));
  return (mac) => common(mac) === ofRun;
}

/** Default carriers of unicast: raw, and UDP over the common IP (IPv4 if there is none). */
export function unicastCarriers(from: Endpoint, to: Endpoint | null): readonly Carrier[] {
  const has = (family: 4 | 6): boolean =>
    [from, ...(to === null ? [] : [to])].every((endpoint) => endpoint.ips.some((ip) => ip.family === family));
  return !has(4) && has(6) ? ['raw', 'ipv6-udp'] : ['raw', 'ipv4-udp'];
}

/** Endpoints with one of the roles on a bridge, on any host. */
export function namesByRole(
  endpoints: Iterable<Endpoint>,
  bridge: string,
  roles: readonly Endpoint['role'][],
): readonly string[] {
  return [...endpoints]
    .filter((endpoint) => bareName(endpoint.bridge) === bareName(bridge) && roles.includes(endpoint.role))
    .map((endpoint) => endpoint.name);
}
