import { z } from 'zod';
import { scenarioShell } from './scenario-shell.js';
import { policy, step } from '../core/scenario/schema/step.js';
import { topology } from './topology-schema.js';
import { variableName } from '../core/scenario/yaml/variables.js';
import { scalar, text } from '../core/scenario/schema/values.js';

const included = text.describe('File whose content stands here, from the folder of the scenario.');

/**
 * The whole file: source of schema/scenario.v1.json. Every file that loads fits it; names, ports and who may be judged
 * are checked beyond it.
 */
export const scenarioSchema = scenarioShell.extend({
  vars: z
    .record(z.string().regex(variableName), scalar.nullable())
    .optional()
    .describe(
      'Variables and their values; without a value `--set NAME=VALUE` has to give one. `"${name}"` stands for the value.',
    ),
  topology: z
    .union([
      topology,
      topology.partial().extend({ include: included }).meta({
        id: 'included-topology',
        description: "A topology from a file. What is written beside it stands beside the file's, and goes first.",
      }),
    ])
    .describe('Bridges and what hangs on them.'),
  steps: z
    .array(
      z.union([
        step,
        z.strictObject({ include: included }).meta({ id: 'included-steps', description: 'Steps from a file.' }),
      ]),
    )
    .optional()
    .describe('What is done and claimed, in this order, on the same topology.'),
  policy: z.array(policy).optional().describe('Claims between zones; they become steps of their own.'),
});
