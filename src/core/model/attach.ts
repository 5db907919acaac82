/** The ways in which an endpoint is attached to its bridge; the words of `attach` in a scenario. */
export const attaches = ['port', 'routed', 'host', 'promiscuous', 'macvlan', 'macvtap'] as const;
export type Attach = (typeof attaches)[number];

/**
 * Where the frames of an endpoint enter its bridge, or the host that routes them: at a port that is its own, at the bridge device as the host's own
 * stack, through the bridge device from what is behind it, or at the port of the endpoint that it stands above.
 */
export type EntryPlace = 'port' | 'routed' | 'host' | 'behind' | 'above';

/**
 * The place of a way to attach. A new way has its line here, and every decision that depends on the place follows.
 *
 * @example
 *   placeOf('promiscuous') // 'behind'
 */
export function placeOf(attach: Attach): EntryPlace {
  switch (attach) {
    case 'port':
    case 'routed':
      return attach;
    case 'host':
      return 'host';
    case 'promiscuous':
      return 'behind';
    case 'macvlan':
    case 'macvtap':
      return 'above';
  }
}

/** Whether an endpoint is on a port of its own: of a bridge, or one to which the host routes. */
export function isOnPort(attach: Attach): boolean {
  return ['port', 'routed'].includes(placeOf(attach));
}

/** Whether the host routes to an endpoint, whose port is on no bridge. */
export function isRoutedTo(attach: Attach): boolean {
  return placeOf(attach) === 'routed';
}

/** How the kernel hands frames between guests of one lower device, by the names of ip-link(8). */
export const macvlanModes = ['private', 'vepa', 'bridge', 'passthru'] as const;
export type MacvlanMode = (typeof macvlanModes)[number];

/** What a macvlan or macvtap stands on. */
export interface Below {
  /** The endpoint whose interface is the lower device. */
  readonly lower: string;
  readonly mode: MacvlanMode;
}
