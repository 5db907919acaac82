import { maybe, type Of, oneOf, orNull, text, whole } from './shape/shape.js';

/** The ways in which an endpoint is attached to its bridge; the words of `attach` in a scenario. */
export const attaches = ['port', 'routed', 'host', 'promiscuous', 'macvlan', 'macvtap', 'ipvlan'] as const;
export type Attach = (typeof attaches)[number];

/**
 * Where the frames of an endpoint enter its bridge, or the host that routes them: at a port that is its own, at the
 * bridge device as the host's own stack, through the bridge device from what is behind it, or at the port of the
 * endpoint that it stands above.
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
    case 'ipvlan':
      return 'above';
  }
}

/** True if an endpoint is on a port of its own: of a bridge, or one to which the host routes. */
export function isOnPort(attach: Attach): boolean {
  return ['port', 'routed'].includes(placeOf(attach));
}

/** True if the host routes to an endpoint, whose port is on no bridge. */
export function isRoutedTo(attach: Attach): boolean {
  return placeOf(attach) === 'routed';
}

/** How the kernel hands frames between guests of one lower device, by the names of ip-link(8). */
export const macvlanModes = ['private', 'vepa', 'bridge', 'passthru'] as const;
export type MacvlanMode = (typeof macvlanModes)[number];

/** Modes of ipvlan, and its flags, by the names of ip-link(8); both are of the lower device and so of all on it. */
export const ipvlanModes = ['l2', 'l3', 'l3s'] as const;
export const ipvlanFlags = ['bridge', 'private', 'vepa'] as const;

/** True if a mode as the kernel names it is one in which guests are examined: not `source`. */
export function isMacvlanMode(mode: string | undefined): mode is MacvlanMode {
  return macvlanModes.some((known) => known === mode);
}

/** True if a mode as the kernel names it is one of ipvlan. */
export function isIpvlanMode(mode: string | undefined): mode is (typeof ipvlanModes)[number] {
  return ipvlanModes.some((known) => known === mode);
}

export const below = {
  /** The endpoint whose interface is the lower device; on a host that device. */
  lower: text,
  mode: oneOf(...macvlanModes, ...ipvlanModes),
  /** `attach: ipvlan` only. */
  flag: maybe(oneOf(...ipvlanFlags)),
  /** On a host: name of the endpoint's interface in the namespace where that is. Absent in the lab. */
  device: maybe(text),
  /** On a host, by ipvlan: the addresses with their prefix, which no other guest of the lower device has. */
  addresses: maybe([text]),
};
/** What a macvlan, macvtap or ipvlan stands on. */
export type Below = Of<typeof below>;

export const hop = {
  /** The bridge between. */
  bridge: text,
  /** The guest's own port, on that bridge: its frames enter and leave there. */
  near: text,
};
/**
 * A bridge that joins one guest to a port of another bridge and has nothing else on it, as firewalls put it in front of
 * a guest (Proxmox VE, OpenStack).
 */
export type Hop = Of<typeof hop>;

export const tunnelShape = {
  /** VXLAN network identifier, 24 bits; null on a host, where the device has it. */
  vni: orNull(whole),
  /** Hosts to which frames for everybody and for unknown stations are sent. */
  to: [text],
};
/** The tunnel that joins the parts of a segment: VXLAN (RFC 7348). */
export type Tunnel = Of<typeof tunnelShape>;

/** What passes within the kernel between guests of one lower device: the mode of a macvlan, the flag of an ipvlan. */
export function passingOf({ mode, flag }: Pick<Below, 'mode' | 'flag'>): MacvlanMode {
  return isMacvlanMode(mode) ? mode : (flag ?? 'bridge');
}

/** True if guests of its lower device have one MAC, and are distinguished by their addresses (IPVLAN). */
export function sharesMac(attach: Attach): boolean {
  return ['ipvlan'].includes(attach);
}

/** True if what it stands on is a device of the host, not an endpoint of the lab. */
export function isOnDevice(below: Below | undefined): boolean {
  return below?.device !== undefined;
}
