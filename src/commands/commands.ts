import { defineAttest } from './attest.js';
import { defineAudit } from './audit.js';
import { defineCheck } from './check.js';
import type { DefineCommand } from './command.js';
import { defineCleanup } from './cleanup.js';
import { defineDemo } from './demo.js';
import { defineFleet } from './fleet.js';
import { defineHelper } from './helper.js';
import { defineInit } from './init.js';
import { defineDiff } from './diff.js';
import { defineDoctor } from './doctor.js';
import { defineExplain } from './explain.js';
import { defineExport } from './export.js';
import { defineListen } from './listen.js';
import { definePlan } from './plan.js';
import { definePurge } from './purge.js';
import { defineRecord } from './record.js';
import { defineReplay } from './replay.js';
import { defineReport } from './report.js';
import { defineRun } from './run.js';
import { defineSchema } from './schema.js';
import { defineWatch } from './watch.js';

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
