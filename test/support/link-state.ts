import type { LinkState } from '../../src/core/model/state.js';

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
