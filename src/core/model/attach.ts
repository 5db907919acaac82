import { maybe, type Of, oneOf, orNull, text, whole } from './shape/shape.js';

/** Values of `attach` in a scenario. */
export const attaches = ['port', 'routed', 'host', 'promiscuous', 'macvlan', 'macvtap', 'ipvlan'] as const;
export type Attach = (typeof attaches)[number];

/**
 * The place at which frames of an endpoint enter: its own port, the bridge device (`host`; `behind` = through it), or
 * the port of the endpoint below.
 */
export type EntryPlace = 'port' | 'routed' | 'host' | 'behind' | 'above';

/**
 * The place of a way to attach; every decision that depends on it derives from here.
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

/** True if an endpoint has its own port, on a bridge or routed to by the host. */
export function isOnPort(attach: Attach): boolean {
  return ['port', 'routed'].includes(placeOf(attach));
}

/** True if the host routes to an endpoint, whose port is on no bridge. */
export function isRoutedTo(attach: Attach): boolean {
  return placeOf(attach) === 'routed';
}

/** Modes of macvlan (ip-link(8)). */
export const macvlanModes = ['private', 'vepa', 'bridge', 'passthru'] as const;
export type MacvlanMode = (typeof macvlanModes)[number];

/** Modes and flags of ipvlan (ip-link(8)); all guests of a lower device have the same. */
export const ipvlanModes = ['l2', 'l3', 'l3s'] as const;
export const ipvlanFlags = ['bridge', 'private', 'vepa'] as const;

/** True for a macvlan mode in which guests are examined: not `source`. */
export function isMacvlanMode(mode: string | undefined): mode is MacvlanMode {
  return macvlanModes.some((known) => known === mode);
}

export function isIpvlanMode(mode: string | undefined): mode is (typeof ipvlanModes)[number] {
  return ipvlanModes.some((known) => known === mode);
}

export const below = {
  /** The endpoint whose interface is the lower device; on a host that device. */
  lower: text,
  mode: oneOf(...macvlanModes, ...ipvlanModes),
  /** ipvlan only. */
  flag: maybe(oneOf(...ipvlanFlags)),
  /** On a host: the endpoint's interface in its namespace. Absent in the lab. */
  device: maybe(text),
  /** On a host, ipvlan: addresses with prefix that no other guest of the lower device has. */
  addresses: maybe([text]),
};
export type Below = Of<typeof below>;

export const hop = {
  bridge: text,
  /** The guest's own port, on that bridge. */
  near: text,
};
/** A bridge with one guest and one port to another bridge, as firewalls of Proxmox VE and OpenStack make it. */
export type Hop = Of<typeof hop>;

export const tunnelShape = {
  /** VXLAN network identifier, 24 bits; null on a host: the device has it. */
  vni: orNull(whole),
  /** Hosts that get broadcast and unknown unicast. */
  to: [text],
};
/** The tunnel between parts of a segment: VXLAN (RFC 7348). */
export type Tunnel = Of<typeof tunnelShape>;

/** Frames that guests of one lower device exchange in the kernel: the mode of a macvlan, the flag of an ipvlan. */
export function passingOf({ mode, flag }: Pick<Below, 'mode' | 'flag'>): MacvlanMode {
  return isMacvlanMode(mode) ? mode : (flag ?? 'bridge');
}

/** True if guests of the lower device share its MAC, and addresses distinguish them (ipvlan). */
export function sharesMac(attach: Attach): boolean {
  return ['ipvlan'].includes(attach);
}

/** True if the lower device is the host's, not a lab endpoint's. */
export function isOnDevice(below: Below | undefined): boolean {
  return below?.device !== undefined;
}
