import { isOnPort } from './attach.js';
import type { SettingValue, Step, Topology } from './scenario.js';

/** How the values of an attribute are read, written and compared. */
export type SettingKind =
  | 'switch' // on/off; bridges print 0 or 1, ports print true or false
  | 'number'
  | 'centiseconds' // a time, counted in 1/100 s
  | 'mask' // a bit mask, printed as hexadecimal text without 0x
  | 'text';

/** What an attribute is of: a bridge, one of its ports, or any link. */
export type SettingPlace = 'bridge' | 'port' | 'link';

/** One line of the tables in core/bridge/attributes: all that the program knows of an attribute but its rules. */
export interface Attribute {
  readonly kind: SettingKind;
  /** The word that `ip link set dev X type bridge|bridge_slave` takes (`man ip-link`). Absent: the key. */
  readonly option?: string;
  /**
   * Its number in events of the kernel (linux/if_link.h). Absent: events do not report it, report it within another
   * attribute (IFLA_BR_MULTI_BOOLOPT), or spanning tree and the link's speed change it without anybody's doing.
   */
  readonly netlink?: number;
  /** What a new bridge or port has (net/bridge/br_device.c, br_multicast.c, br_if.c). Absent: it differs. */
  readonly default?: SettingValue;
  /** iproute2 prints the key only where it is set: without it the value is this. */
  readonly ifAbsent?: 'none';
  /** Its part in who gets which frame: the audit shows it, and a change of one that decides `alone` is high. */
  readonly decides?: 'alone' | 'with others';
  /** The value that keeps frames from those that they are not for; absent: neither does, or more decides it. */
  readonly protects?: boolean | 'above 0';
  /** It is read and cannot be set. */
  readonly isReadOnly?: true;
  /** `false`: a twin keeps its own value, since the live one decides when a port forwards, not what. */
  readonly isCopied?: false;
  /** What it does, in a line; after man ip-link, bridge(8) and Documentation/networking/bridge.rst of the kernel. */
  readonly meaning: string;
}

/** Attributes by their JSON keys of `ip -j -d link`, which results and scenarios use too. */
export type AttributeTable = Readonly<Record<string, Attribute>>;

/** An attribute with its key; `option` is always there. */
export interface Setting extends Attribute {
  readonly key: string;
  readonly option: string;
}

/** What an interface is: a bridge or a bridge port, of the kernel or of Open vSwitch, or neither. */
export type DevicePlace = 'bridge' | 'port' | 'ovs-bridge' | 'ovs-port' | 'link';

/**
 * What an interface is to a topology. A host has ports that the file does not list: they are taken for ports of what
 * its bridges are.
 */
export function devicePlaceOf({ bridges, endpoints }: Topology, device: string): Exclude<DevicePlace, 'link'> {
  const bridge = bridges.find(({ name }) => name === device);
  if (bridge !== undefined) return bridge.kind === 'ovs' ? 'ovs-bridge' : 'bridge';
  const owner = endpoints.find(({ port, attach }) => port === device && isOnPort(attach));
  const around = owner === undefined ? bridges : bridges.filter(({ name }) => name === owner.bridge);
  return around.length > 0 && around.every(({ kind }) => kind === 'ovs') ? 'ovs-port' : 'port';
}

/** What a topology says of its bridges and ports: their interfaces, with the settings that are not left as they are. */
export function settingsOf({ bridges, endpoints }: Topology): Step['set'] {
  return [
    ...bridges.map(({ name, settings }) => ({ device: name, settings })),
    ...endpoints.flatMap(({ port, settings }) => (port === null ? [] : [{ device: port, settings }])),
  ].filter(({ settings }) => Object.keys(settings).length > 0);
}
