import type { AttributeTable, Setting, SettingPlace } from '../model/settings.js';
import { bridgeAttributes } from './attributes/bridge.js';
import { portAttributes } from './attributes/port.js';

const linkAttributes = {
  mtu: { kind: 'number', meaning: 'Largest packet, in bytes, without the Ethernet header.' },
  up: { kind: 'switch', meaning: 'The interface is up (1) or down (0).' },
} as const satisfies AttributeTable;

export type BridgeKey = keyof typeof bridgeAttributes;
export type PortKey = keyof typeof portAttributes;

function withKeys(table: AttributeTable): readonly Setting[] {
  return Object.entries(table).map(([key, attribute]) => ({ option: key, ...attribute, key }));
}

/** Every attribute that is read, in table order. */
export const attributesOf: Readonly<Record<SettingPlace, readonly Setting[]>> = {
  bridge: withKeys(bridgeAttributes),
  port: withKeys(portAttributes),
  link: withKeys(linkAttributes),
};

const writable = (place: SettingPlace): readonly Setting[] =>
  attributesOf[place].filter(({ isReadOnly }) => isReadOnly !== true);

/** Attributes that scenarios set and the judge compares. */
export const bridgeSettings = writable('bridge');
export const portSettings = writable('port');
export const linkSettings = writable('link');

export function settingsOfPlace(place: SettingPlace): readonly Setting[] {
  switch (place) {
    case 'bridge':
      return bridgeSettings;
    case 'port':
      return portSettings;
    case 'link':
      return linkSettings;
  }
}

/** Attributes by their number in kernel events. */
export function attributesByNumber(place: SettingPlace): ReadonlyMap<number, Setting> {
  return new Map(
    attributesOf[place].flatMap((attribute) =>
      attribute.netlink === undefined ? [] : [[attribute.netlink, attribute] as const],
    ),
  );
}

/** True if an attribute alone decides a frame's port. */
export function decidesAlone(key: string): boolean {
  return [...attributesOf.bridge, ...attributesOf.port].some(
    (attribute) => attribute.key === key && attribute.decides === 'alone',
  );
}
