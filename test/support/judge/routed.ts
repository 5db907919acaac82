import type { Endpoint } from '../../../src/core/model/scenario.js';
import { lowerDeviceCases } from './lower-device.js';

export { above } from './lower-device.js';
import type { FamilyRouting, Routing } from '../../../src/core/model/routing-state.js';
import { a, b, flow, host, observerC, of, zero } from './row-fixture.js';

/** The sender as a guest to which the host routes. */
export const routedA: Endpoint = { ...a, attach: 'routed', port: 'tap.1' };
const spoofed = of('ip-spoof', { carrier: 'ipv4-udp' });
const rpFilter = (ofDevice: string, ofAll: string) =>
  host({ sysctl: { 'net.ipv4.conf.tap/1.rp_filter': ofDevice, 'net.ipv4.conf.all.rp_filter': ofAll } });

const usual = [
  { priority: 0, src: 'all', table: 'local' },
  { priority: 32766, src: 'all', table: 'main' },
  { priority: 32767, src: 'all', table: 'default' },
];
const none: FamilyRouting = { rules: usual, routes: [] };
/** Routes of two guests, 10.0.0.1 by tap.1 and 10.0.0.2 by tap.2, with further rules and routes of IPv4. */
export const routing = (rules: readonly object[] = [], routes: readonly object[] = []): Routing => ({
  ipv4: {
    rules: [...usual.slice(0, 1), ...rules, ...usual.slice(1)],
    routes: [{ dst: '10.0.0.1', dev: 'tap.1', flags: [] }, { dst: '10.0.0.2', dev: 'tap.2', flags: [] }, ...routes],
  },
  ipv6: none,
});
const away = { dst: '10.0.0.2', gateway: '10.0.0.3', dev: 'tap.3', table: '100', flags: [] };
const marked = { priority: 100, src: 'all', fwmark: '0x10', table: '100' };
const routedTo3 = {
  finding: of('known-unicast', { carrier: 'ipv4-udp' }),
  from: routedA,
  to: { ...b, attach: 'routed', port: 'tap.2' },
  observer: { ...observerC, interface: 'tap.3', routed: true },
  flow: { ...flow, frame: { ...flow.frame, srcIp: '10.0.0.1', dstIp: '10.0.0.2' } },
} as const;
const ruled = (rules: readonly object[], routes: readonly object[]) => host({ routing: routing(rules, routes) });
const back = { dst: '10.0.0.2', dev: 'tap.1', table: '100', flags: [] };
const from1 = { priority: 100, src: '10.0.0.1', table: '100' };

/** When the barriers of guests on no port of a bridge are in the way: each-barrier.test.ts. */
export const unbridgedCases = {
  ...lowerDeviceCases,
  'not-routed': {
    found: { from: routedA },
    place: 'tap.1',
    also: {
      'broadcast, which no bridge hands on': [
        { from: routedA, finding: of('broadcast', { carrier: 'ipv4-udp' }) },
        'tap.1',
      ],
    },
    not: {
      'a packet that the host routes': { from: routedA, finding: { ...zero, carrier: 'ipv4-udp' } },
      'a sender at a port of a bridge': { from: a },
      'a sender that is not known': { from: null },
    },
  },
  'reverse-path': {
    found: { from: routedA, finding: spoofed, before: rpFilter('1', '0') },
    place: 'net.ipv4.conf.tap/1.rp_filter',
    also: {
      'of all': [{ from: routedA, finding: spoofed, before: rpFilter('0', '1') }, 'net.ipv4.conf.tap/1.rp_filter'],
    },
    not: {
      off: { from: routedA, finding: spoofed, before: rpFilter('0', '0') },
      loose: { from: routedA, finding: spoofed, before: rpFilter('1', '2') },
      'not read': { from: routedA, finding: spoofed, before: host({ sysctl: {} }) },
      'its own address': {
        from: routedA,
        finding: of('known-unicast', { carrier: 'ipv4-udp' }),
        before: rpFilter('1', '0'),
      },
      'IPv6, which has none': {
        from: routedA,
        finding: of('ip-spoof', { carrier: 'ipv6-udp' }),
        before: rpFilter('1', '0'),
      },
      'a sender at a port of a bridge': { from: a, finding: spoofed, before: rpFilter('1', '0') },
    },
  },
} as const;

/** When the causes of leaks between guests without a bridge are found: each-cause.test.ts. */
export const routedCauses = {
  'policy-route': {
    found: { ...routedTo3, before: ruled([from1], [away]) },
    reported: {
      place: 'ip rule 100',
      value: 'from 10.0.0.1 lookup 100',
      fix: 'ip rule del pref 100 from 10.0.0.1 lookup 100',
    },
    not: {
      'another sender': { before: ruled([{ ...from1, src: '10.0.0.9' }], [away]) },
      'a table without a route': { before: ruled([from1], []) },
      'a rule behind the one of all': { before: ruled([{ ...from1, priority: 32767 }].slice(1), [away]) },
      'a device of another guest': { observer: { ...observerC, interface: 'tap.4', routed: true } },
      'not read': { before: host() },
      'no packet that the host routes': { finding: zero },
      'the addressee, whom the main table leads to as well': {
        before: ruled([from1], [{ ...away, dev: 'tap.2' }]),
        observer: { ...observerC, name: 'b', interface: 'tap.2', routed: true },
      },
    },
  },
  'rp-filter-off': {
    found: { from: routedA, finding: spoofed, before: rpFilter('0', '0') },
    reported: { place: 'net.ipv4.conf.tap/1.rp_filter', value: '0', fix: 'sysctl -w net.ipv4.conf.tap/1.rp_filter=1' },
    not: {
      strict: { before: rpFilter('0', '1') },
      'not read': { before: host({ sysctl: {} }) },
      'another class': { finding: zero },
      'a sender at a port of a bridge': { from: a },
    },
  },
} as const;

/** Leaks that the rule or route explains: each-cause.test.ts has the usual one. */
export const policyRoutes = {
  'a mark, which no packet shows': [
    { ...routedTo3, before: ruled([marked], [away]) },
    'ip rule del pref 100 from all fwmark 0x10 lookup 100',
  ],
  'the main table': [
    { ...routedTo3, before: ruled([], [{ ...away, dst: '10.0.0.2', table: 'main', metric: -1 }]) },
    'ip route del 10.0.0.2 via 10.0.0.3 dev tap.3 metric -1',
  ],
  'a source address of another guest': [
    {
      ...routedTo3,
      before: ruled([{ ...from1, src: 'all' }], [back]),
      finding: spoofed,
      flow: { ...flow, frame: { ...flow.frame, srcIp: '10.0.0.2', dstIp: '10.0.0.3' } },
    },
    'ip rule del pref 100 from all lookup 100',
  ],
} as const;
