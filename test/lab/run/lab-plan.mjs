/** A plan with nothing but a topology: what buildLab reads. */
export function planOf({ bridges = [{ name: 'br0' }], endpoints = [], sysctl = {} }) {
  return {
    planVersion: 1,
    name: 'test',
    provider: 'lab',
    sysctl,
    partialScope: null,
    runTag: 1,
    keySha256: '',
    steps: [],
    bridges: bridges.map((bridge) => ({
      kind: 'linux',
      datapath: null,
      settings: {},
      addresses: [],
      vlans: [],
      mirrors: [],
      netns: null,
      ...bridge,
    })),
    endpoints: endpoints.map((endpoint, index) => ({
      name: `g${index + 1}`,
      bridge: 'br0',
      port: `vnet${index + 1}`,
      attach: 'port',
      role: 'guest',
      macs: [macOf(index + 1)],
      ips: [],
      gateway: null,
      zone: null,
      started: true,
      netns: null,
      promiscuous: false,
      vlans: [],
      settings: {},
      offloads: false,
      generated: false,
      ...endpoint,
    })),
    bridgeMacs: Object.fromEntries(bridges.map(({ name }, index) => [name, `02:76:69:ff:00:${hex(index)}`])),
  };
}
export const macOf = (n) => `52:54:00:00:${hex(n >> 8)}:${hex(n & 255)}`;
export const ip4 = (address, prefix = 24) => ({ family: 4, address, prefix });
export const ip6 = (address, prefix = 64) => ({ family: 6, address, prefix });
const hex = (n) => n.toString(16).padStart(2, '0');
