import type { FdbState, HostState, LinkState } from '../../src/core/model/state.js';

/** A link that is up, of which nothing is known but its name, its index and its bridge. */
export const linkState = (name: string, ifindex: number, master: string | null = null): LinkState => ({
  name,
  ifindex,
  master,
  mac: '02:00:00:00:00:01',
  mtu: 1500,
  flags: [],
  operstate: 'UP',
  promiscuity: null,
  kind: null,
  sysFlags: null,
  bridge: null,
  port: null,
});

/** A link that carries frames. */
export const upLink = (name: string, more: Partial<LinkState> = {}): LinkState => ({
  ...linkState(name, 1),
  flags: ['UP', 'LOWER_UP'],
  promiscuity: 0,
  ...more,
});

/** A host of these links, of which nothing else is known. */
export const stateWith = (links: readonly LinkState[], more: Partial<HostState> = {}): HostState => ({
  links,
  fdb: [],
  vlan: [],
  mdb: [],
  tc: null,
  nft: null,
  sysctl: {},
  drops: null,
  programs: null,
  unread: [],
  ...more,
});

/** What br0 has learned of a MAC at a port. */
export const learnedAt = (mac: string, port: string, more: Partial<FdbState> = {}): FdbState => ({
  mac,
  port,
  master: 'br0',
  vlan: null,
  state: '',
  flags: [],
  usedS: null,
  updatedS: null,
  ...more,
});
