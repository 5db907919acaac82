import { defineAttest } from './commands/evidence/attest.js';
import { defineAudit } from './commands/audit/options.js';
import { defineCheck } from './commands/evidence/check.js';
import type { DefineCommand } from './command.js';
import { defineCleanup } from '../commands/cleanup.js';
import { defineDemo } from '../commands/demo.js';
import { defineFleet } from './commands/fleet/options.js';
import { defineHelper } from './commands/helper.js';
import { defineInit } from '../commands/init.js';
import { defineDiff } from '../commands/diff.js';
import { defineDoctor } from '../commands/doctor.js';
import { defineExplain } from '../commands/explain.js';
import { defineExport } from './commands/evidence/export.js';
import { defineListen } from './commands/listen/options.js';
import { definePlan } from '../commands/plan.js';
import { definePurge } from './commands/evidence/purge.js';
import { defineRecord } from '../commands/record.js';
import { defineReplay } from './commands/replay/options.js';
import { defineReport } from '../commands/report.js';
import { defineRun } from '../commands/run.js';
import { defineSchema } from '../commands/schema.js';
import { defineWatch } from './commands/watch/options.js';

/** Every command, in the order in which --help lists them. */
export const commands: readonly DefineCommand[] = [
  defineRun,
  defineDemo,
  definePlan,
  defineReplay,
  defineReport,
  defineFleet,
  defineDiff,
  defineExplain,
  defineExport,
  defineRecord,
  defineCheck,
  defineAttest,
  definePurge,
  defineAudit,
  defineListen,
  defineWatch,
  defineInit,
  defineDoctor,
  defineCleanup,
  defineSchema,
  defineHelper,
];
