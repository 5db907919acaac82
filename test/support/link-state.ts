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

/** A state that differs in something. */
export type StateChange = ((state: HostState) => HostState) | Partial<HostState>;

/** The state with these changes, one after the other. */
export const changedState = (state: HostState, ...changes: readonly StateChange[]): HostState =>
  changes.reduce<HostState>(
    (changed, change) => (typeof change === 'function' ? change(changed) : { ...changed, ...change }),
    state,
  );

type LinkChange = Partial<LinkState> | ((link: LinkState) => Partial<LinkState>);
const parts = (change: LinkChange, link: LinkState): Partial<LinkState> =>
  typeof change === 'function' ? change(link) : change;

/** Other parts of every link. */
export const setLinks =
  (change: LinkChange) =>
  (state: HostState): HostState => ({
    ...state,
    links: state.links.map((link) => ({ ...link, ...parts(change, link) })),
  });

/** Other parts of one link. */
export const setLink = (name: string, change: LinkChange): ((state: HostState) => HostState) =>
  setLinks((link) => (link.name === name ? parts(change, link) : {}));

/** Other settings of ports of bridges: of those named, or of all. */
export const setPorts = (settings: LinkState['port'], ...names: readonly string[]): ((state: HostState) => HostState) =>
  setLinks(({ name, port }) =>
    port === null || (names.length > 0 && !names.includes(name)) ? {} : { port: { ...port, ...settings } },
  );

/** Other settings of all bridges. */
export const setBridges = (settings: LinkState['bridge']): ((state: HostState) => HostState) =>
  setLinks(({ bridge }) => (bridge === null ? {} : { bridge: { ...bridge, ...settings } }));

/** Further links, each like a known one but for its own parts. */
export const addLinks =
  (like: string, ...more: readonly (Partial<LinkState> & { readonly name: string })[]) =>
  (state: HostState): HostState => ({
    ...state,
    links: [
      ...state.links,
      ...state.links.filter(({ name }) => name === like).flatMap((link) => more.map((over) => ({ ...link, ...over }))),
    ],
  });
