import { z } from 'zod';
import { policy, step } from './step-schema.js';
import { topology } from './topology-schema.js';
import { variableName } from './variables.js';
import { onOff, scalar, text, title } from './values.js';

/** The file's own keys; what hangs below is read piece by piece. */
export const scenarioShell = z.strictObject({
  version: z.literal(1, { error: 'expected 1, the version of this format' }),
  name: title,
  description: text.optional(),
  allow_changes: onOff.optional(),
  allow_disruptive: onOff.optional(),
  vars: z.record(z.string(), z.unknown()).optional(),
  scope: z.strictObject({ partial: text }).optional(),
  topology: z.record(z.string(), z.unknown()),
  steps: z.array(z.unknown()).optional(),
  policy: z.array(z.unknown()).optional(),
});

/** The whole file: source of schema/scenario.v1.json. Every file that loads fits it; names, ports and who may be judged are checked beyond it. */
export const scenarioSchema = scenarioShell.extend({
  vars: z.record(z.string().regex(variableName), scalar.nullable()).optional(),
  topology: z.union([topology, topology.partial().extend({ include: text })]),
  steps: z.array(z.union([step, z.strictObject({ include: text })])).optional(),
  policy: z.array(policy).optional(),
});
