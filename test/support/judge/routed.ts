import type { Endpoint } from '../../../src/core/model/scenario.js';
import { lowerDeviceCases } from './lower-device.js';

export { above } from './lower-device.js';
import { a, host, of, zero } from './row-fixture.js';

/** The sender as a guest to which the host routes. */
export const routedA: Endpoint = { ...a, attach: 'routed', port: 'tap.1' };
const spoofed = of('ip-spoof', { carrier: 'ipv4-udp' });
const rpFilter = (ofDevice: string, ofAll: string) =>
  host({ sysctl: { 'net.ipv4.conf.tap/1.rp_filter': ofDevice, 'net.ipv4.conf.all.rp_filter': ofAll } });

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
