import type { Endpoint, ProbeEntry, Step } from '../model/scenario.js';
import { keysLeftOut } from './schema/plain-step-keys.js';

/** The parts of a step that changes nothing and only probes: the rest is given by its author. */
export const plainStep: Omit<Step, 'name' | 'line' | 'probes' | 'expect'> = {
  set: [],
  sysctl: {},
  vlan: { add: [], del: [] },
  fdb: { flush: [], del: [], add: [] },
  mdb: { add: [], del: [] },
  start: [],
  stop: [],
  run: [],
  during: [],
  learn: [],
  ...keysLeftOut,
  traffic: [],
  listenMs: null,
  accept: [],
};

/** The parts of probes with nothing forged, untagged, in one direction, in every carrier of their class. */
export const plainProbe: Omit<ProbeEntry, 'class' | 'from' | 'to' | 'count'> = {
  via: null,
  bothWays: false,
  acrossBridges: true,
  rate: null,
  carriers: null,
  vlanStacks: [[]],
  srcMac: null,
  dstMac: null,
  srcIp: null,
  dstIp: null,
  group: null,
  size: null,
  maySee: null,
  mustSee: null,
  seen: [],
};

/** The parts of a guest on a port of its own, which nothing was set of. */
export const plainGuest: Omit<Endpoint, 'name' | 'bridge' | 'port' | 'macs'> = {
  attach: 'port',
  role: 'guest',
  ips: [],
  gateway: null,
  zone: null,
  started: true,
  netns: null,
  promiscuous: false,
  vlans: [],
  settings: {},
  offloads: false,
  generated: false,
};
