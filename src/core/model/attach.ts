/** The ways in which an endpoint is attached to its bridge; the words of `attach` in a scenario. */
export const attaches = ['port', 'host', 'promiscuous'] as const;
export type Attach = (typeof attaches)[number];

/**
 * Where the frames of an endpoint enter its bridge: at a port that is its own, at the bridge device as the host's own
 * stack, or through the bridge device from what is behind it.
 */
export type EntryPlace = 'port' | 'host' | 'behind';

/**
 * The place of a way to attach. A new way has its line here, and every decision that depends on the place follows.
 *
 * @example
 *   placeOf('promiscuous') // 'behind'
 */
export function placeOf(attach: Attach): EntryPlace {
  switch (attach) {
    case 'port':
      return 'port';
    case 'host':
      return 'host';
    case 'promiscuous':
      return 'behind';
  }
}

/** Whether an endpoint is on a port of its own, which has settings, a state and entries in the forwarding database. */
export function isOnPort(attach: Attach): boolean {
  return placeOf(attach) === 'port';
}
