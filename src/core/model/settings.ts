import type { SettingValue } from './scenario.js';

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
