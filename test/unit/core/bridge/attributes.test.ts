import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { auditSettings } from '../../../../src/core/audit/audit.js';
import {
  attributesByNumber,
  attributesOf,
  bridgeSettings,
  decidesAlone,
  portSettings,
} from '../../../../src/core/bridge/attributes.js';
import { setWords } from '../../../../src/core/bridge/change-commands.js';
import { bridgeViews, stateAlone } from '../../../../src/core/bridge/view.js';
import { linuxBridge } from '../../../../src/core/scenario/schema/topology.js';
import { hostState } from '../../../support/judge/perfect-run.js';

const places = ['bridge', 'port', 'link'] as const;

describe('the tables of attributes', () => {
  it.each(places)('name each option, key and number of a %s once', (place) => {
    const words = attributesOf[place].flatMap(({ key, option }) => [...new Set([key, option])]);
    expect(words.filter((word, at) => words.indexOf(word) !== at)).toEqual([]);
    const numbers = attributesOf[place].flatMap(({ netlink }) => netlink ?? []);
    expect(attributesByNumber(place).size).toBe(numbers.length);
  });

  it('have defaults that the kind of the attribute can have', () => {
    const wrong = [...bridgeSettings, ...portSettings].filter(
      ({ kind, default: value }) =>
        value !== undefined &&
        (kind === 'number' || kind === 'centiseconds') !== (typeof value === 'number') &&
        kind !== 'switch',
    );
    expect(wrong).toEqual([]);
  });

  it.each([
    ['bridge', 'IFLA_BR'],
    ['port', 'IFLA_BRPORT'],
  ] as const)('give the attributes of a %s the numbers of linux/if_link.h (%s_…)', (place, prefix) => {
    const numbered = readFileSync(resolve(import.meta.dirname, '../../../support/bridge/if-link.txt'), 'utf8')
      .split('\n')
      .flatMap((line) => (line.startsWith(`${prefix} `) ? [line.split(' ').slice(1)] : []))
      .map(([name = '', number = '']) => [Number(number), name] as const);
    const names = new Map(numbered);
    const others: Readonly<Record<string, string>> = {
      hairpin: 'mode',
      root_block: 'protect',
      fastleave: 'fast_leave',
      flood: 'unicast_flood',
      proxy_arp: 'proxyarp',
      proxy_arp_wifi: 'proxyarp_wifi',
      mcast_to_unicast: 'mcast_to_ucast',
    };
    const wrong = [...attributesByNumber(place)].filter(
      ([number, { key }]) => names.get(number) !== (place === 'port' ? (others[key] ?? key) : key),
    );
    expect(wrong).toEqual([]);
  });

  it('reach the schema, the commands and the audit', () => {
    const [view] = bridgeViews(stateAlone(hostState()));
    const shown = view === undefined ? [] : auditSettings(view).map(({ place }) => place);
    for (const { key, option, decides, isReadOnly } of attributesOf.bridge) {
      expect({ key, shown: shown.includes(`br0.${key}`) }).toEqual({ key, shown: decides !== undefined });
      expect({ key, schema: key in linuxBridge.shape }).toEqual({ key, schema: isReadOnly !== true });
      expect(setWords({ place: 'bridge', key, value: 1 })[2]).toBe(isReadOnly === true ? key : option);
    }
  });

  it('say which attribute decides alone', () => {
    expect(['flood', 'isolated', 'vlan_filtering'].map(decidesAlone)).toEqual([true, true, true]);
    expect(['stp_state', 'priority', 'mtu', 'no-such'].map(decidesAlone)).toEqual([false, false, false, false]);
  });

  // A querier that is switched on before its interval is set floods every group for the ten seconds of the default.
  it.each([
    ['stp_state', ['forward_delay', 'hello_time', 'max_age']],
    [
      'mcast_querier',
      ['mcast_query_response_intvl', 'mcast_query_intvl', 'mcast_startup_query_intvl', 'mcast_query_use_ifaddr'],
    ],
  ])('have the times of %s before it', (key, times) => {
    const order = bridgeSettings.map((attribute) => attribute.key);
    expect(times.filter((time) => order.indexOf(time) > order.indexOf(key))).toEqual([]);
  });
});
