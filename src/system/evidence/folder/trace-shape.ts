import { z } from 'zod';
import { placeNames } from '../../../core/model/timeline.js';

const text = z.string();
const whole = z.int();

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
    pid: whole.optional(),
    program: text.optional(),
  }),
  z.looseObject({
    step: whole,
    place: z.literal('end'),
    open: z.record(text, whole),
    counts: z.record(text, whole),
  }),
]);
