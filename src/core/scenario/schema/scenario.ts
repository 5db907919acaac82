import { z } from 'zod';
import { variableName } from '../yaml/variables.js';
import { policy, step } from './step.js';
import { topology } from './topology.js';
import { onOff, scalar, words, title } from './values.js';

export const scenarioShell = z.strictObject({
  version: z.literal(1, { error: 'expected 1, the version of this format' }).describe('Version of this format.'),
  name: title.describe('Shown in every report.'),
  description: words.optional().describe('Its subject.'),
  allow_changes: onOff
    .optional()
    .describe('Host: with `--allow-changes` steps may change settings, which are undone at the end. Default: off.'),
  allow_disruptive: onOff
    .optional()
    .describe('Disruptive classes may run; host: also `frame`, with `--allow-disruptive`. Default: off.'),
  ask_rules: onOff
    .optional()
    .describe('Off: no frame asks the rules that copy or move frames, and reports say so. Default: on.'),
  vars: z.record(z.string(), z.unknown()).optional(),
  scope: z
    .strictObject({ partial: words.describe('Why.') })
    .meta({ id: 'scope' })
    .optional()
    .describe('Lets a step hold although not every port could be observed.'),
  topology: z.record(z.string(), z.unknown()),
  steps: z.array(z.unknown()).optional(),
  policy: z.array(z.unknown()).optional(),
});

const included = words.describe('File whose content stands here, from the folder of the scenario.');

/**
 * The source of schema/scenario.v1.json. Every file that loads matches it; names, ports and judged observers are
 * checked beyond it.
 */
export const scenarioSchema = scenarioShell.extend({
  vars: z
    .record(z.string().regex(variableName), scalar.nullable())
    .optional()
    .describe('Variables with their values; `--set NAME=VALUE` gives a missing one.'),
  topology: z
    .union([
      topology,
      topology.partial().extend({ include: included }).meta({
        id: 'included-topology',
        description: 'Keys beside it go first.',
      }),
    ])
    .describe('Bridges and what hangs on them.'),
  steps: z
    .array(z.union([step, z.strictObject({ include: included }).meta({ id: 'included-steps' })]))
    .optional()
    .describe('Acts and claims, in order.'),
  policy: z.array(policy).optional().describe('Claims between zones, as steps of their own.'),
});
