import { z } from 'zod';
import { attaches, ipvlanFlags, ipvlanModes, macvlanModes } from '../../../core/model/attach.js';
import { frameForms, maxTokens, phases } from '../../../core/model/plan.js';
import { carriers } from '../../../core/model/scenario.js';
import { probeClasses } from '../../../core/probe/classes.js';
import { scalarsShape } from '../../../core/protocol/state-shape.js';

/**
 * What has to hold of every file of a run's folder before it is taken for what its name says: the type of each value
 * that anything reads. Keys that nobody reads may stand beside them.
 */

const text = z.string();
const texts = z.array(text);
const number = z.number();
const wholeNumber = z.int();
const flag = z.boolean();
const scalar = z.union([text, number, flag]);
const textMap = z.record(text, text);
const vlanRange = { first: wholeNumber, last: wholeNumber, pvid: flag, untagged: flag };
const ipPrefix = z.looseObject({ family: z.union([z.literal(4), z.literal(6)]), address: text, prefix: wholeNumber });
const mirror = z.looseObject({ name: text, select: text, output: text });
const below = {
  lower: text,
  mode: z.enum([...macvlanModes, ...ipvlanModes]),
  flag: z.enum(ipvlanFlags).optional(),
  device: text.optional(),
  addresses: z.array(text).optional(),
};

const host = z.looseObject({ name: text, ssh: text.nullable(), command: texts });

const bridge = z.looseObject({
  name: text,
  kind: z.enum(['linux', 'ovs', 'routed', 'lower']),
  datapath: z.enum(['netdev', 'system']).nullable().optional(),
  settings: scalarsShape,
  addresses: z.array(ipPrefix),
  vlans: z.array(z.looseObject(vlanRange)),
  mirrors: z.array(mirror),
  unheard: text.optional(),
  isDeviceDown: z.literal(true).optional(),
  netns: text.nullable(),
});

const hop = z.looseObject({ bridge: text, near: text });
const endpoint = z.looseObject({
  name: text,
  bridge: text,
  port: text.nullable(),
  attach: z.enum(attaches),
  role: z.enum(['guest', 'uplink', 'host']),
  macs: texts,
  ips: z.array(ipPrefix),
  gateway: text.nullable(),
  zone: text.nullable(),
  started: flag,
  netns: text.nullable(),
  promiscuous: flag,
  vlans: z.array(z.looseObject(vlanRange)),
  settings: scalarsShape,
  offloads: flag,
  generated: flag.optional(),
  owner: text.optional(),
  observedOnly: z.enum(['told', 'missing']).optional(),
  below: z.looseObject(below).optional(),
  hop: hop.optional(),
  tunnel: z.looseObject({ vni: wholeNumber.nullable(), to: texts }).optional(),
});

const fields = z
  .looseObject({
    ...{
      etherType: wholeNumber.optional(),
      protocol: wholeNumber.optional(),
      dscp: wholeNumber.optional(),
      hopLimit: wholeNumber.optional(),
    },
    ...{
      sourcePort: wholeNumber.optional(),
      destinationPort: wholeNumber.optional(),
      tcpFlags: wholeNumber.optional(),
    },
    ...{ icmpType: wholeNumber.optional(), icmpCode: wholeNumber.optional() },
  })
  .optional();
const frame = z.looseObject({
  carrier: z.enum(carriers),
  srcMac: text,
  dstMac: text,
  vlan: z.array(wholeNumber),
  srcIp: text.nullable(),
  dstIp: text.nullable(),
  size: wholeNumber,
  form: z.enum(frameForms).optional(),
  fields,
});
const flowParts = {
  probe: wholeNumber,
  class: z.enum(probeClasses),
  carrier: z.enum(carriers),
  vlan: z.array(wholeNumber),
  count: wholeNumber.min(0).max(maxTokens),
  judged: flag,
  purpose: z.enum(['stimulus', 'restore']).optional(),
  variant: text.optional(),
};
const flow = z.looseObject({
  ...flowParts,
  id: wholeNumber,
  step: wholeNumber,
  from: text,
  to: text.nullable(),
  sender: text,
  frame,
  first: wholeNumber.min(0).max(maxTokens),
  must: texts,
  may: texts,
});

/** Many flows as columns (core/plan/flows/flow-table.ts). */
const flowColumns = z.looseObject({
  step: wholeNumber,
  id: wholeNumber,
  first: wholeNumber.min(0).max(maxTokens),
  length: wholeNumber.min(0).max(maxTokens),
  form: text,
  source: text,
  aim: text,
  forms: z.array(
    z.looseObject({
      ...flowParts,
      frame: z.looseObject({
        vlan: z.array(wholeNumber),
        size: wholeNumber,
        form: z.enum(frameForms).optional(),
        fields,
      }),
    }),
  ),
  sources: z.array(z.looseObject({ from: text, sender: text, srcMac: text, srcIp: text.nullable() })),
  aims: z.array(z.looseObject({ to: text.nullable(), dstMac: text, dstIp: text.nullable(), must: texts, may: texts })),
});

const control = z.looseObject({
  kind: z.enum(['ear', 'entry', 'entry-form', 'entry-spoof']),
  phase: z.enum(phases),
  observer: text,
  sender: text.nullable(),
  frame,
  index: wholeNumber.min(0).max(maxTokens),
});

const fdbEntry = z.looseObject({
  mac: text,
  port: text,
  state: text,
  sticky: flag,
  vlan: wholeNumber.nullable(),
  self: flag,
});
const act = z.enum(['add', 'del']);
const change = z.discriminatedUnion('kind', [
  z.looseObject({
    kind: z.literal('set'),
    device: text,
    place: z.enum(['bridge', 'port', 'link']),
    key: text,
    value: scalar,
  }),
  z.looseObject({
    kind: z.literal('ovs-set'),
    table: z.enum(['Bridge', 'Port']),
    device: text,
    key: text,
    value: scalar,
  }),
  z.looseObject({ kind: z.literal('sysctl'), name: text, value: text }),
  z.looseObject({ kind: z.literal('vlan'), act, entry: z.looseObject({ ...vlanRange, port: text }), self: flag }),
  z.looseObject({ kind: z.literal('fdb-flush'), bridge: text }),
  z.looseObject({ kind: z.literal('fdb'), act, entry: fdbEntry }),
  z.looseObject({ kind: z.literal('mirror'), bridge: text, mirror }),
  z.looseObject({
    kind: z.literal('mdb'),
    act,
    bridge: text,
    entry: z.looseObject({ group: text, port: text, vlan: wholeNumber.nullable() }),
  }),
  z.looseObject({ kind: z.literal('start'), endpoint: text }),
  z.looseObject({ kind: z.literal('stop'), endpoint: text }),
  z.looseObject({ kind: z.literal('run'), argv: texts }),
]);

const claim = z.looseObject({
  observer: text,
  from: text.nullable(),
  to: text.nullable(),
  carrier: text.nullable(),
  variant: text.optional(),
  seen: z.union([z.enum(['none', 'some', 'all']), number]),
  probe: wholeNumber.nullable(),
});
const accepted = z.looseObject({
  observer: text,
  class: text,
  reason: text,
  owner: text.nullable(),
  ticket: text.nullable(),
  until: text.nullable(),
});

const trusted = z.looseObject({
  what: text,
  where: text.nullable(),
  reason: text,
  owner: text.nullable(),
  ticket: text.nullable(),
  until: text.nullable(),
});

/** An observer, as plan.json and timeline.ndjson have it. */
export const observerShape = z.looseObject({
  name: text,
  interface: text,
  bridge: text,
  place: z.enum(['port', 'bridge', 'relay', 'above']),
  role: z.enum(['guest', 'uplink', 'host']),
  macs: texts,
  judged: flag,
  by: z.looseObject({ ...below, port: text }).optional(),
  party: text.optional(),
  device: z.looseObject({ name: text, space: text.nullable(), kind: text, mode: text.optional() }).optional(),
  routed: z.literal(true).optional(),
  hop: hop.optional(),
});

const step = z.looseObject({
  index: wholeNumber,
  name: text,
  line: number,
  changes: z.array(change),
  learn: texts,
  present: texts,
  observers: z.array(observerShape),
  filter: text,
  snaplen: number,
  flows: z.union([z.array(flow), flowColumns]),
  notAsked: z
    .array(
      z.looseObject({
        class: z.enum(probeClasses),
        carrier: z.enum(carriers),
        from: texts,
        to: text.nullable(),
        unknown: texts,
      }),
    )
    .optional(),
  provokes: texts.optional(),
  controls: z.array(control),
  inwardUnproved: texts.optional(),
  traffic: z.array(
    z.looseObject({
      kind: z.enum(['http', 'ping', 'tcp', 'udp']),
      from: text,
      to: text,
      requests: number,
      bytes: number,
      must: texts,
      may: texts,
    }),
  ),
  listenMs: number.nullable(),
  during: z.array(z.looseObject({ atMs: number, run: z.array(texts), settleMs: number })),
  rate: number.nullable(),
  rates: z.array(number).optional(),
  drainMs: number,
  expect: z.looseObject({
    expected: z.enum(['holds', 'broken']).nullable(),
    seen: z.array(claim),
    accept: z.array(accepted),
    trust: z.array(trusted).optional(),
    noReaders: z.literal(true).optional(),
  }),
});

/** plan.json. */
export const planShape = z.looseObject({
  planVersion: z.literal(1),
  name: text,
  provider: z.enum(['lab', 'host']),
  bridges: z.array(bridge),
  endpoints: z.array(endpoint),
  hosts: z.array(host).optional(),
  sysctl: textMap,
  partialScope: text.nullable(),
  asksRules: z.literal(false).optional(),
  runTag: wholeNumber,
  keySha256: text,
  bridgeMacs: textMap,
  guestsAlone: z.boolean().optional(),
  unobservable: z.array(z.looseObject({ bridge: text, port: text, reason: text })).optional(),
  steps: z.array(step),
});
