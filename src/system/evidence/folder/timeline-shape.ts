import { z } from 'zod';
import { phases } from '../../../core/model/plan.js';
import { placeNames } from '../../../core/model/timeline.js';
import { observerShape } from './plan-shape.js';

const text = z.string();
const number = z.number();
const wholeNumber = z.int();
const when = {
  n: wholeNumber.min(0).optional(),
  atNs: z.string().regex(/^\d{1,20}$/),
  monoMs: number,
  step: wholeNumber,
};
const counters = z.record(text, z.looseObject({ received: number, dropped: number, delivered: number }));
const meanwhile = z.literal(true).optional();

const entry = <S extends z.ZodRawShape, E extends string>(event: E, shape: S) =>
  z.looseObject({ ...when, event: z.literal(event), ...shape });

/** A line of timeline.ndjson (core/model/timeline.ts). */
export const timelineShape = z.discriminatedUnion('event', [
  entry('step-started', {}),
  entry('changed', { change: wholeNumber, commands: z.array(z.array(text)), readBack: text.nullable() }),
  entry('ear', { observer: observerShape }),
  entry('learned', { endpoints: z.array(text) }),
  entry('listening', {
    observer: text,
    facts: z.looseObject({
      engine: z.enum(['libpcap', 'cap', 'ring']),
      timestamps: z.enum(['kernel', 'user']),
      originalLength: z.boolean(),
      direction: z.enum(['known', 'inferred']),
    }),
    version: text,
  }),
  entry('sealed', { uid: number, capabilities: text, filtered: z.boolean().optional() }),
  entry('clock', { host: text, file: text, offsetNs: text, boundNs: text }),
  z.discriminatedUnion('when', [
    entry('state-read', { when: z.enum(['before', 'after']) }),
    entry('state-read', { when: z.literal('during'), reading: wholeNumber }),
  ]),
  entry('rules-changed', {
    changes: z.array(
      z.looseObject({
        kind: z.enum(['nft', 'tc']),
        pid: number.nullable(),
        program: text.nullable(),
        host: text.optional(),
        carrying: z.array(z.looseObject({ what: text, place: text, rule: text })).optional(),
      }),
    ),
    meanwhile,
  }),
  entry('settings-changed', {
    changes: z.array(
      z.looseObject({
        ifindex: number.nullable(),
        what: text,
        host: text.optional(),
        name: text.optional(),
        masters: z.array(wholeNumber).optional(),
      }),
    ),
    meanwhile,
  }),
  entry('station-learned', { mac: text, observer: text.nullable() }),
  entry('controls-sent', { phase: z.enum(phases), accepted: z.array(wholeNumber) }),
  entry('mark', { id: text, counters }),
  entry('accounts', {
    accounts: z.record(
      text,
      z.looseObject({
        observers: z.array(text),
        ports: z.array(text),
        kind: z.enum(['veth', 'tap', 'inside']),
        held: wholeNumber,
        processors: wholeNumber,
      }),
    ),
  }),
  entry('accounts-read', {
    when: z.enum(['before', 'after']),
    windows: z.record(
      text,
      z.looseObject({
        readings: wholeNumber,
        low: wholeNumber,
        high: wholeNumber,
        droppedFirst: wholeNumber,
        droppedLast: wholeNumber,
        sentAtLow: wholeNumber,
        meetings: wholeNumber,
        still: z.boolean(),
        rest: z.number(),
      }),
    ),
  }),
  entry('sent', { flow: wholeNumber, first: wholeNumber, planned: wholeNumber, accepted: wholeNumber }),
  entry('event-started', { during: wholeNumber }),
  entry('event-ended', { during: wholeNumber, ok: z.boolean(), detail: text }),
  entry('probing', { state: z.enum(['started', 'ended']) }),
  z.discriminatedUnion('state', [
    entry('trace', { state: z.literal('attached') }),
    entry('trace', { state: z.literal('absent'), why: text }),
    entry('trace', { state: z.literal('read'), lines: wholeNumber }),
  ]),
  entry('traffic', { traffic: wholeNumber, ok: z.boolean(), detail: text }),
  entry('drained', { drainMs: number }),
  entry('stopped', { counters, written: z.record(text, number) }),
  entry('fault', { fault: z.looseObject({ code: text, observers: z.array(text), text }) }),
  entry('kept', { observer: text, towards: z.boolean(), frame: text }),
  entry('step-ended', { outcome: z.enum(['done', 'fault', 'not-run', 'unsupported']) }),
]);

const device = z.looseObject({
  space: wholeNumber,
  ifindex: wholeNumber,
  name: text.nullable(),
  home: z.boolean(),
  path: text.optional(),
  lower: wholeNumber.optional(),
  party: text.optional(),
  own: z.literal(true).optional(),
});

const reader = z.looseObject({
  pid: wholeNumber,
  name: text,
  program: z.looseObject({ path: text, device: number, inode: number, owner: number, user: number }).optional(),
  hostsOwn: z.literal(true).optional(),
  own: z.literal(true).optional(),
  parties: z.array(text),
});

/** A line of trace.ndjson (core/judge/trace/traced.ts). */
export const traceShape = z.discriminatedUnion('place', [
  z.looseObject({
    step: wholeNumber,
    place: z.enum(placeNames),
    tokenAt: wholeNumber,
    device: device.nullable(),
    packets: wholeNumber,
    tokens: text,
    reason: text.optional(),
    function: text.optional(),
    reader: reader.optional(),
  }),
  z.looseObject({
    step: wholeNumber,
    place: z.literal('end'),
    open: z.record(text, wholeNumber),
    counts: z.record(text, wholeNumber),
  }),
]);
