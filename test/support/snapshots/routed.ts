import type { Snapshot } from '../../../src/core/model/state.js';
import { defaultBridge as rest } from './recorded.js';

export const nothingBeside = { devices: [], bridges: [], routes: [], sysctl: {} };

/** Two guests that the host routes to, with what their devices have; `hook`: where a chain of nft stands. */
export function withRouted(settings: Readonly<Record<string, string>>, hook?: string): Snapshot {
  const guests = ['cali1', 'cali2'];
  const [port] = rest.state.links.filter(({ kind }) => kind === 'veth');
  const chain = { family: 'inet', table: 'filter', name: 'forward', type: 'filter', hook };
  return {
    ...rest,
    state: {
      ...rest.state,
      links: [
        ...rest.state.links,
        ...guests.flatMap((name, at) =>
          port === undefined ? [] : [{ ...port, name, ifindex: 70 + at, master: null, port: null, peer: 2 }],
        ),
      ],
      sysctl: { ...rest.state.sysctl, 'net.ipv4.ip_forward': '1' },
      nft: { nftables: hook === undefined ? [] : [{ chain }] },
    },
    beside: {
      ...nothingBeside,
      routes: guests.map((device, at) => ({ device, destination: `10.1.0.${at + 1}` })),
      sysctl: Object.fromEntries(
        guests.flatMap((name) =>
          Object.entries(settings).map(([key, value]) => [`net.ipv4.conf.${name}.${key}`, value]),
        ),
      ),
    },
  };
}
