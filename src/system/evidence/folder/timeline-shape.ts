import { z } from 'zod';
import { phases } from '../../../core/model/plan.js';
import { placeNames } from '../../../core/model/timeline.js';
import { observerShape } from './plan-shape.js';

const text = z.string();
const number = z.number();
const whole = z.int();
const when = { n: whole.min(0).optional(), atNs: z.string().regex(/^\d{1,20}$/), monoMs: number, step: whole };
const counters = z.record(text, z.looseObject({ received: number, dropped: number, delivered: number }));
const meanwhile = z.literal(true).optional();

const entry = <S extends z.ZodRawShape, E extends string>(event: E, shape: S) =>
  z.looseObject({ ...when, event: z.literal(event), ...shape });

/** A line of timeline.ndjson (core/model/timeline.ts). */
export const timelineShape = z.discriminatedUnion('event', [
  entry('step-started', {}),
  entry('changed', { change: whole, commands: z.array(z.array(text)), readBack: text.nullable() }),
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
    entry('state-read', { when: z.literal('during'), reading: whole }),
  ]),
  entry('rules-changed', {
    changes: z.array(
      z.looseObject({
        kind: z.enum(['nft', 'tc']),
        pid: number.nullable(),
        program: text.nullable(),
        host: text.optional(),
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
        masters: z.array(whole).optional(),
      }),
    ),
    meanwhile,
  }),
  entry('controls-sent', { phase: z.enum(phases), accepted: z.array(whole) }),
  entry('mark', { id: text, counters }),
  entry('accounts', {
    accounts: z.record(
      text,
      z.looseObject({
        observers: z.array(text),
        ports: z.array(text),
        kind: z.enum(['veth', 'tap', 'inside']),
        held: whole,
        processors: whole,
      }),
    ),
  }),
  entry('accounts-read', {
    when: z.enum(['before', 'after']),
    windows: z.record(
      text,
      z.looseObject({
        readings: whole,
        low: whole,
        high: whole,
        droppedFirst: whole,
        droppedLast: whole,
        sentAtLow: whole,
        meetings: whole,
        still: z.boolean(),
        rest: z.number(),
      }),
    ),
  }),
  entry('sent', { flow: whole, first: whole, planned: whole, accepted: whole }),
  entry('event-started', { during: whole }),
  entry('event-ended', { during: whole, ok: z.boolean(), detail: text }),
  entry('probing', { state: z.enum(['started', 'ended']) }),
  z.discriminatedUnion('state', [
    entry('trace', { state: z.literal('attached') }),
    entry('trace', { state: z.literal('absent'), why: text }),
    entry('trace', { state: z.literal('read'), lines: whole }),
  ]),
  entry('traffic', { traffic: whole, ok: z.boolean(), detail: text }),
  entry('drained', { drainMs: number }),
  entry('stopped', { counters, written: z.record(text, number) }),
  entry('fault', { fault: z.looseObject({ code: text, observers: z.array(text), text }) }),
  entry('kept', { observer: text, towards: z.boolean(), frame: text }),
  entry('step-ended', { outcome: z.enum(['done', 'fault', 'not-run', 'unsupported']) }),
]);

const device = z.looseObject({
  space: whole,
  ifindex: whole,
  name: text.nullable(),
  home: z.boolean(),
  path: text.optional(),
  lower: whole.optional(),
  party: text.optional(),
  own: z.literal(true).optional(),
});

const reader = z.looseObject({
  pid: whole,
  name: text,
  program: z.looseObject({ path: text, device: number, inode: number, owner: number, user: number }).optional(),
  hostsOwn: z.literal(true).optional(),
  own: z.literal(true).optional(),
  parties: z.array(text),
});

/** A line of trace.ndjson (core/judge/trace/traced.ts). */
export const traceShape = z.discriminatedUnion('place', [
  z.looseObject({
    step: whole,
    place: z.enum(placeNames),
    tokenAt: whole,
    device: device.nullable(),
    packets: whole,
    tokens: text,
    reason: text.optional(),
    function: text.optional(),
    reader: reader.optional(),
  }),
  z.looseObject({
    step: whole,
    place: z.literal('end'),
    open: z.record(text, whole),
    counts: z.record(text, whole),
  }),
]);
