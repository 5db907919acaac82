import { maybe, type Of, oneOf, orNull, text, whole } from './shape/shape.js';

/** Values of `attach` in a scenario. */
export const attaches = ['port', 'routed', 'host', 'promiscuous', 'macvlan', 'macvtap', 'ipvlan'] as const;
export type Attach = (typeof attaches)[number];

/**
 * The entry of an endpoint's frames: own port, bridge device (`behind`: through it), or lower endpoint's port
 * (`above`).
 */
export type EntryPlace = 'port' | 'routed' | 'host' | 'behind' | 'above';

/**
 * Every decision about the way to attach derives from it.
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
    case 'ipvlan':
      return 'above';
  }
}

/** True with its own port, on a bridge or routed to by the host. */
export function isOnPort(attach: Attach): boolean {
  return ['port', 'routed'].includes(placeOf(attach));
}

/** True if the host routes to the endpoint's port. */
export function isRoutedTo(attach: Attach): boolean {
  return placeOf(attach) === 'routed';
}

/** See ip-link(8). */
export const macvlanModes = ['private', 'vepa', 'bridge', 'passthru'] as const;
export type MacvlanMode = (typeof macvlanModes)[number];

/** See ip-link(8). All guests of a lower device have the same. */
export const ipvlanModes = ['l2', 'l3', 'l3s'] as const;
export const ipvlanFlags = ['bridge', 'private', 'vepa'] as const;

/** False for `source`, in which no guests are examined. */
export function isMacvlanMode(mode: string | undefined): mode is MacvlanMode {
  return macvlanModes.some((known) => known === mode);
}

export function isIpvlanMode(mode: string | undefined): mode is (typeof ipvlanModes)[number] {
  return ipvlanModes.some((known) => known === mode);
}

export const below = {
  /** The lower endpoint, on a host the lower device. */
  lower: text,
  mode: oneOf(...macvlanModes, ...ipvlanModes),
  flag: maybe(oneOf(...ipvlanFlags)),
  /** On a host: its interface in its namespace. */
  device: maybe(text),
  /** On a host, ipvlan: its own addresses, with prefix. */
  addresses: maybe([text]),
};
export type Below = Of<typeof below>;

export const hop = {
  bridge: text,
  /** The guest's port. */
  near: text,
};
/** A bridge between one guest and another bridge, as firewalls of Proxmox VE and OpenStack make it. */
export type Hop = Of<typeof hop>;

export const tunnelShape = {
  /** 24 bits, null on a host. */
  vni: orNull(whole),
  /** They get broadcast and unknown unicast. */
  to: [text],
};
/** VXLAN (RFC 7348) between parts of a segment. */
export type Tunnel = Of<typeof tunnelShape>;

/** The mode of a macvlan, the flag of an ipvlan. */
export function passingOf({ mode, flag }: Pick<Below, 'mode' | 'flag'>): MacvlanMode {
  return isMacvlanMode(mode) ? mode : (flag ?? 'bridge');
}

/** True if guests of the lower device share its MAC (ipvlan). */
export function sharesMac(attach: Attach): boolean {
  return ['ipvlan'].includes(attach);
}

/** True if the lower device is the host's. */
export function isOnDevice(below: Below | undefined): boolean {
  return below?.device !== undefined;
}
