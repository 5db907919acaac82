import { randomBytes } from 'node:crypto';
import { stringify } from 'yaml';
import { withProof } from '../../../core/audit/prove.js';
import { chooseBridge, foundScenario } from '../../../core/discover/found-scenario.js';
import { hasUplink, leftOut, provingScenario } from '../../../core/discover/proving-scenario.js';
import type { AuditProof, AuditReport } from '../../../core/model/audit.js';
import type { Result } from '../../../core/model/result.js';
import type { Snapshot } from '../../../core/model/state.js';
import { loadScenario } from '../../../core/scenario/load-scenario.js';
import { makeProgress, progressMode } from '../../../report/progress/make.js';
import { calibrate } from '../../../run/calibrate.js';
import { runScenario } from '../../../run/run.js';
import { namingFolder, openOwnFolder } from '../../../system/evidence/folder/own-folder.js';
import { parseFolder } from '../../../system/evidence/folder/parse-folder.js';
import { parseNeighbours } from '../../../system/fabric/host/find.js';
import { readJson } from '../../../system/process/programs.js';
import { readInventory } from '../../../system/state/read-inventory.js';
import { evidenceFolder } from '../evidence/evidence-folder.js';
import { reportedRun } from '../evidence/load-details.js';
import { writeReportFile } from '../evidence/write-report-file.js';
import { approval, prepareHostRun, printLeft } from '../run/host-run.js';

export interface ProveOptions {
  readonly bridge: string | undefined;
  readonly netns: string | null;
  readonly out: string | undefined;
  readonly yes: boolean;
  readonly quiet: boolean;
  readonly allowDisruptive: boolean;
  readonly toolVersion: string;
}

export type ProvedAudit = AuditReport & { readonly proof: AuditProof };

async function foundHere({ state }: Snapshot, { netns, bridge: name }: ProveOptions) {
  const bridge = chooseBridge(state, name ?? null);
  const neighbours = parseNeighbours(await readJson(['ip', '-j', 'neigh', 'show'], { netns }));
  return foundScenario({ state, neighbours, inventory: await readInventory(state, netns), bridge, netns });
}

/**
 * Tests an audit's predictions on this host. VerifyError 69 without root, 64 without consent, 3 if too little is on
 * record. A signal restores everything.
 */
export async function proveAudit(
  report: AuditReport,
  snapshot: Snapshot,
  options: ProveOptions,
): Promise<ProvedAudit | NodeJS.Signals> {
  const stop = new AbortController();
  let stoppedBy: NodeJS.Signals | null = null;
  await prepareHostRun((signal) => {
    stoppedBy = signal;
    stop.abort();
  });
  const discovered = await foundHere(snapshot, options);
  const scenario = loadScenario(
    'the proof of the audit',
    Buffer.from(stringify(provingScenario(discovered.scenario, options.allowDisruptive))),
  );
  const runId = randomBytes(8).toString('hex');
  const dir = evidenceFolder(options.out, scenario.name, false, new Date(), runId);
  const folder = openOwnFolder(dir);
  const mode = progressMode({ quiet: options.quiet, verbose: false, isTty: process.stderr.isTTY, env: process.env });
  const progress = await makeProgress(
    mode,
    scenario.name,
    scenario.steps.map((step) => step.name),
    false,
  );
  let result: Result | null = null;
  try {
    const run = await runScenario(scenario, {
      outDir: folder.path,
      runId,
      inside: null,
      engine: 'auto',
      toolVersion: options.toolVersion,
      signal: stop.signal,
      onProgress: progress.onProgress,
      approve: approval(options),
      calibrate,
    });
    printLeft(scenario, run);
    if (stoppedBy !== null) return stoppedBy;
    ({ result } = run);
    await writeReportFile(await reportedRun(folder.path, run.result, run.frames ?? true, run.input));
    const { states } = await parseFolder(folder.path);
    const judged = { plan: run.plan, result: run.result, before: states.map(({ before }) => before) };
    return withProof(report, {
      ...judged,
      evidence: dir,
      leftOut: (probe) => leftOut(probe, options.allowDisruptive, hasUplink(discovered.scenario)),
    });
  } catch (error) {
    throw namingFolder(folder, error);
  } finally {
    folder.handOver();
    await progress.end(result);
  }
}
