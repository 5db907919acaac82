/** The guests of every fabric: a sends to b, and any other guest that hears it is a victim. */
export const guests = {
  a: { bridge: 'br0', port: 'p0', mac: '52:54:00:00:00:0a', ip: '10.9.0.1', ip6: 'fd00:9::1' },
  b: { bridge: 'br0', port: 'p1', mac: '52:54:00:00:00:0b', ip: '10.9.0.2', ip6: 'fd00:9::2' },
  c: { bridge: 'br0', port: 'p2', mac: '52:54:00:00:00:0c', ip: '10.9.0.3', ip6: 'fd00:9::3' },
  d: { bridge: 'br0', port: 'p3', mac: '52:54:00:00:00:0d', ip: '10.9.0.4', ip6: 'fd00:9::4' },
  e: { bridge: 'br1', port: 'q0', mac: '52:54:00:00:00:0e', ip: '10.9.1.1', ip6: 'fd00:9:1::1' },
  f: { bridge: 'br1', port: 'q1', mac: '52:54:00:00:00:0f', ip: '10.9.1.2', ip6: 'fd00:9:1::2' },
} as const;
export type GuestName = keyof typeof guests;
export const guestNames = ['a', 'b', 'c', 'd', 'e', 'f'] as const satisfies readonly GuestName[];

/** The bridges' own addresses. */
export const gateways = {
  br0: { ip: '10.9.0.254', ip6: 'fd00:9::fe' },
  br1: { ip: '10.9.1.254', ip6: 'fd00:9:1::fe' },
} as const;

/** The guests in a scenario's topology. */
export const endpointLines = (uplink?: GuestName): readonly string[] =>
  guestNames.map((name) => {
    const { bridge, port, mac, ip, ip6 } = guests[name];
    const role = name === uplink ? ', role: uplink' : '';
    return `    ${name}: { bridge: ${bridge}, port: ${port}, mac: "${mac}", ip: [${ip}/24, "${ip6}/64"], gateway: ${gateways[bridge].ip}${role} }`;
  });
