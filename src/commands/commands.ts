import { defineAudit } from './audit.js';
import type { DefineCommand } from './command.js';
import { defineDemo } from './demo.js';
import { defineExport } from './export.js';
import { definePlan } from './plan.js';
import { defineReplay } from './replay.js';
import { defineRun } from './run.js';
import { defineSchema } from './schema.js';

/** Every command, in the order in which --help lists them. */
export const commands: readonly DefineCommand[] = [defineRun, defineDemo, definePlan, defineReplay, defineExport, defineAudit, defineSchema];
