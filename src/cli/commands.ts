import type { DefineCommand } from './command.js';
import { defineAudit } from './commands/audit/options.js';
import { defineAttest } from './commands/evidence/attest.js';
import { defineCheck } from './commands/evidence/check.js';
import { defineExport } from './commands/evidence/export.js';
import { defineDiff, defineReport } from './commands/evidence/options.js';
import { defineHelper } from './commands/helper.js';
import { defineCleanup, defineDoctor, defineInit } from './commands/host/options.js';
import { defineListen } from './commands/listen/options.js';
import { defineReplay } from './commands/replay/options.js';
import { defineDemo, defineRecord, defineRun } from './commands/run/options.js';
import { defineExplain, definePlan, defineSchema } from './commands/scenario/options.js';
import { defineWatch } from './commands/watch/options.js';

/** In the order of --help. */
export const commands: readonly DefineCommand[] = [
  defineRun,
  defineDemo,
  definePlan,
  defineReplay,
  defineReport,
  defineDiff,
  defineExplain,
  defineExport,
  defineRecord,
  defineCheck,
  defineAttest,
  defineAudit,
  defineListen,
  defineWatch,
  defineInit,
  defineDoctor,
  defineCleanup,
  defineSchema,
  defineHelper,
];
