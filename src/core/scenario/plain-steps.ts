import type { Endpoint, ProbeEntry, Step } from '../model/scenario.js';
import { keysLeftOut } from './schema/plain-step-keys.js';

/** Defaults of a step that only probes. */
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

/** Defaults of a probe: nothing forged, untagged, one direction, every carrier of its class. */
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

/** Defaults of a guest on its own port. */
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
