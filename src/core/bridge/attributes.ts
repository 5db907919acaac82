import type { AttributeTable, Setting, SettingPlace } from '../model/settings.js';
import { bridgeAttributes } from './attributes/bridge.js';
import { portAttributes } from './attributes/port.js';

/** Attributes of any link that a scenario may set. */
const linkAttributes = {
  mtu: { kind: 'number', meaning: 'Largest packet, in bytes, without the Ethernet header.' },
  up: { kind: 'switch', meaning: 'The interface is up (1) or down (0).' },
} as const satisfies AttributeTable;

/** Keys of the tables: a key that none has does not compile. */
export type BridgeKey = keyof typeof bridgeAttributes;
export type PortKey = keyof typeof portAttributes;

function withKeys(table: AttributeTable): readonly Setting[] {
  return Object.entries(table).map(([key, attribute]) => ({ option: key, ...attribute, key }));
}

/** Every attribute of a place that is read, those that nobody can set included, in the order of the tables. */
export const attributesOf: Readonly<Record<SettingPlace, readonly Setting[]>> = {
  bridge: withKeys(bridgeAttributes),
  port: withKeys(portAttributes),
  link: withKeys(linkAttributes),
};

const writable = (place: SettingPlace): readonly Setting[] =>
  attributesOf[place].filter(({ isReadOnly }) => isReadOnly !== true);

/** What a scenario may set, a fabric writes and the judge compares. */
export const bridgeSettings = writable('bridge');
export const portSettings = writable('port');
export const linkSettings = writable('link');

/** The settings of a place, by their keys. */
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

/** Attributes of a place by their numbers in events of the kernel. */
export function attributesByNumber(place: SettingPlace): ReadonlyMap<number, Setting> {
  return new Map(
    attributesOf[place].flatMap((attribute) =>
      attribute.netlink === undefined ? [] : [[attribute.netlink, attribute] as const],
    ),
  );
}

/** Does an attribute alone decide who gets which frame? */
export function decidesAlone(key: string): boolean {
  return [...attributesOf.bridge, ...attributesOf.port].some(
    (attribute) => attribute.key === key && attribute.decides === 'alone',
  );
}
