import { z } from 'zod';
import { onOff, text, title } from '../core/scenario/schema/values.js';

/** The file's own keys; what hangs below is read piece by piece. */
export const scenarioShell = z.strictObject({
  version: z.literal(1, { error: 'expected 1, the version of this format' }).describe('Version of this format.'),
  name: title.describe('Name of the scenario, shown in every report.'),
  description: text.optional().describe('What it is about.'),
  allow_changes: onOff
    .optional()
    .describe(
      'Host: steps may change settings, if the command line says `--allow-changes` as well; undone at the end. Default: off.',
    ),
  allow_disruptive: onOff
    .optional()
    .describe(
      'Classes that disturb guests may run; on a host the command line has to say `--allow-disruptive` as well. Default: off.',
    ),
  vars: z.record(z.string(), z.unknown()).optional(),
  scope: z
    .strictObject({ partial: text.describe('Why.') })
    .meta({ id: 'scope' })
    .optional()
    .describe('Lets a step hold although not every port could be observed.'),
  topology: z.record(z.string(), z.unknown()),
  steps: z.array(z.unknown()).optional(),
  policy: z.array(z.unknown()).optional(),
});
