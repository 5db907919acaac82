import type { MacvlanMode } from '../../../src/core/model/attach.js';
import type { Observer } from '../../../src/core/model/plan.js';
import type { Endpoint } from '../../../src/core/model/scenario.js';
import { a, flow, group, macOfB, observerC } from './row-fixture.js';

/** The observer as a guest on the lower device hv. */
export const above = (mode: MacvlanMode): Observer => ({
  ...observerC,
  place: 'above',
  interface: 'macvlan2',
  macs: ['02:00:00:00:00:78'],
  by: { lower: 'hv', mode, port: 'p1' },
});
/** The sender as another one. */
export const below = (mode: MacvlanMode): Endpoint => ({
  ...a,
  port: 'macvlan1',
  attach: 'macvlan',
  below: { lower: 'hv', mode },
});
const toGroup = { dstMac: group, flow: { ...flow, frame: { ...flow.frame, dstMac: group } } };

/** The observer as an ipvlan there. */
const ipvlan = (flag?: 'private'): Observer => ({
  ...above('bridge'),
  by: { lower: 'hv', mode: 'l2', port: 'p1', ...(flag === undefined ? {} : { flag }) },
});
const sender = (mode: 'l2' | 'l3'): Endpoint => ({
  ...below('bridge'),
  attach: 'ipvlan',
  below: { lower: 'hv', mode, flag: 'private' },
});
const toAll = { dstMac: 'ff:ff:ff:ff:ff:ff' };
const ownAddress = { family: 4, address: '10.0.0.3', prefix: 24 } as const;
const toAddress = { ...flow, frame: { ...flow.frame, dstIp: ownAddress.address } };

/** When the barriers of a lower device are in the way: test/unit/core/judge/explain/barriers/each-barrier.test.ts. */
export const lowerDeviceCases = {
  'macvlan-apart': {
    found: { observer: above('private'), from: below('bridge') },
    place: 'hv: mode private',
    also: {
      'a sender in another mode': [{ observer: above('bridge'), from: below('vepa') }, 'hv: mode vepa'],
      'the flag of an ipvlan': [{ observer: ipvlan('private'), from: below('bridge') }, 'hv: mode private'],
      'an ipvlan in mode l3, for what is for everybody': [{ ...toAll, from: sender('l3') }, 'hv: mode l3'],
    },
    not: {
      'an ipvlan without a flag': { observer: ipvlan() },
      'an ipvlan in mode l2, for what is for everybody': { ...toAll, observer: ipvlan('private'), from: sender('l2') },
      'mode bridge at both': { observer: above('bridge') },
      'another lower device': { from: { ...below('private'), below: { lower: 'other', mode: 'private' } } },
      'a sender at a port': { from: a },
      'an observer at a port': { observer: observerC },
    },
  },
  'macvlan-address': {
    found: { observer: above('bridge') },
    place: 'hv',
    also: {
      'a group that it did not join': [toGroup, 'hv'],
      'an address that is not that of its ipvlan': [{ observer: ipvlan(), listener: a }, 'hv'],
    },
    not: {
      'mode passthru, which gets every frame': { observer: above('passthru') },
      'its own address': { observer: { ...above('bridge'), macs: [macOfB] } },
      'its own address, at an ipvlan': { observer: ipvlan(), listener: { ...a, ips: [ownAddress] }, flow: toAddress },
      'a group, at an ipvlan': { ...toGroup, observer: ipvlan() },
      broadcast: { dstMac: 'ff:ff:ff:ff:ff:ff' },
      'an observer at a port': { observer: observerC },
      'no destination': { dstMac: null },
    },
  },
} as const;
