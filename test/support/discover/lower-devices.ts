import type { LinkedDevice } from '../../../src/core/model/state.js';
import { stateWith, upLink } from '../link-state.js';

/** A host with the lower device up0. */
export const state = stateWith([upLink('up0', { ifindex: 5, mac: '02:00:00:00:00:05', kind: 'veth' })]);

/** A guest's interface on it, in the namespace of that number. */
export const device = (number: number, mode: string, more: Partial<LinkedDevice> = {}): LinkedDevice => ({
  space: `/proc/${number}/ns/net`,
  name: 'eth0',
  ifindex: 2,
  kind: 'macvlan',
  mac: `52:54:00:00:00:${number.toString(16).padStart(2, '0')}`,
  lower: 5,
  master: null,
  up: true,
  mode,
  ...more,
});
