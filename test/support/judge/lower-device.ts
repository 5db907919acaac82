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

/** When the barriers of a lower device are in the way: test/unit/core/judge/explain/barriers/each-barrier.test.ts. */
export const lowerDeviceCases = {
  'macvlan-apart': {
    found: { observer: above('private'), from: below('bridge') },
    place: 'hv: mode private',
    also: {
      'a sender in another mode': [{ observer: above('bridge'), from: below('vepa') }, 'hv: mode vepa'],
    },
    not: {
      'mode bridge at both': { observer: above('bridge') },
      'another lower device': { from: { ...below('private'), below: { lower: 'other', mode: 'private' } } },
      'a sender at a port': { from: a },
      'an observer at a port': { observer: observerC },
    },
  },
  'macvlan-address': {
    found: { observer: above('bridge') },
    place: 'hv',
    not: {
      'mode passthru, which gets every frame': { observer: above('passthru') },
      'its own address': { observer: { ...above('bridge'), macs: [macOfB] } },
      'a group': toGroup,
      'an observer at a port': { observer: observerC },
      'no destination': { dstMac: null },
    },
  },
} as const;
