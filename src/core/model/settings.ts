import { isOnPort } from './attach.js';
import type { SettingValue, Step, Topology } from './scenario.js';

export type SettingKind =
  | 'switch' // on/off; bridges print 0 or 1, ports print true or false
  | 'number'
  | 'centiseconds' // a time, counted in 1/100 s
  | 'mask' // a bit mask, printed as hexadecimal text without 0x
  | 'text';

export type SettingPlace = 'bridge' | 'port' | 'link';

/** A line of the tables in core/bridge/attributes: all that is known of an attribute but its rules. */
export interface Attribute {
  readonly kind: SettingKind;
  /** The word of `ip link set dev X type bridge|bridge_slave` (ip-link(8)). Absent: the key. */
  readonly option?: string;
  /**
   * Its number in kernel events (linux/if_link.h). Absent: not reported, reported within another attribute
   * (IFLA_BR_MULTI_BOOLOPT), or changed by spanning tree and the link's speed.
   */
  readonly netlink?: number;
  /** Of a new bridge or port (net/bridge/br_device.c, br_multicast.c, br_if.c). Absent: it differs. */
  readonly default?: SettingValue;
  /** The value if iproute2 prints no key. */
  readonly ifAbsent?: 'none';
  /** Its part in forwarding: the audit shows it, and a change of one that decides `alone` is high. */
  readonly decides?: 'alone' | 'with others';
  /** The value that protects; absent: neither does, or more decides it. */
  readonly protects?: boolean | 'above 0';
  readonly isReadOnly?: true;
  /** Its effect in a line, after ip-link(8), bridge(8) and the kernel's Documentation/networking/bridge.rst. */
  readonly meaning: string;
}

/** By the JSON keys of `ip -j -d link`, also those of results and scenarios. */
export type AttributeTable = Readonly<Record<string, Attribute>>;

export interface Setting extends Attribute {
  readonly key: string;
  readonly option: string;
}

export type DevicePlace = 'bridge' | 'port' | 'ovs-bridge' | 'ovs-port' | 'link';

/** The place of an interface. Unlisted ports of a host are taken for ports of the kind of its bridges. */
export function devicePlaceOf({ bridges, endpoints }: Topology, device: string): Exclude<DevicePlace, 'link'> {
  const bridge = bridges.find(({ name }) => name === device);
  if (bridge !== undefined) return bridge.kind === 'ovs' ? 'ovs-bridge' : 'bridge';
  const owner = endpoints.find(({ port, attach }) => port === device && isOnPort(attach));
  const around = owner === undefined ? bridges : bridges.filter(({ name }) => name === owner.bridge);
  return around.length > 0 && around.every(({ kind }) => kind === 'ovs') ? 'ovs-port' : 'port';
}

/** Settings of a topology's interfaces that are not left alone. */
export function settingsOf({ bridges, endpoints }: Topology): Step['set'] {
  return [
    ...bridges.map(({ name, settings }) => ({ device: name, settings })),
    ...endpoints.flatMap(({ port, settings }) => (port === null ? [] : [{ device: port, settings }])),
  ].filter(({ settings }) => Object.keys(settings).length > 0);
}
