import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { chooseEngine } from './capture/choose-engine.js';
import { collate } from './evidence/collate.js';
import { createFolder, files, writeJson } from './evidence/folder.js';
import { writeSums } from './evidence/hash.js';
import { replayFolder } from './evidence/replay.js';
import { openTimeline } from './evidence/timeline-log.js';
import { buildLab } from './fabric/lab/build.js';
import type { Inside } from './fabric/lab/enter.js';
import { stepFacts } from './judge/step-facts.js';
import type { Plan } from './model/plan.js';
import type { ProgressEvent } from './model/progress.js';
import type { Result } from './model/result.js';
import type { RunRecord } from './model/run-record.js';
import type { Scenario } from './model/scenario.js';
import { makePlan } from './plan/make-plan.js';
import { type Devices, kernelDevices } from './run/devices.js';
import { runSteps } from './run/steps.js';
import { readState } from './state/read.js';
import { startRelay } from './traffic/relay-client.js';

export interface RunOptions {
  /** Folder for the evidence; made if it is not there. */
  readonly outDir: string;
  readonly runId: string;
  /** Where the lab's namespaces are: what `enterLab` said. */
  readonly inside: Inside;
  readonly engine: 'auto' | 'libpcap' | 'cap';
  readonly toolVersion: string;
  readonly onProgress: (event: ProgressEvent) => void;
  /** Ends the run early; what was seen until then is kept and judged. */
  readonly signal: AbortSignal;
  /** Left out: the kernel's own. */
  readonly devices?: Devices;
}

export interface Run {
  readonly result: Result;
  readonly plan: Plan;
  readonly dir: string;
}

/**
 * Carries a scenario out on the wire and judges what was seen. The result is what `replayFolder` says of the folder that
 * the run leaves. Rejects with VerifyError where nothing could be sent or heard at all; never exits.
 */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<Run> {
  const { outDir: dir, inside, onProgress } = options;
  const engine = chooseEngine(options.engine);
  const key = randomBytes(32);
  const plan = makePlan(scenario, { runTag: randomBytes(4).readUInt32BE(), keySha256: createHash('sha256').update(key).digest('hex') });
  const record: RunRecord = {
    runVersion: 1,
    tool: { name: 'verify-isolation', version: options.toolVersion, verdictRules: 1 },
    id: options.runId,
    startedAt: new Date().toISOString(),
    scenario: { name: scenario.name, file: scenario.file, sha256: scenario.sha256 },
    provider: plan.provider,
    runsAs: inside.runsAs,
    engine: `${engine.name} (${engine.version})`,
    kernel: readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim(),
    node: process.versions.node,
    key: null,
    capture: null,
  };
  await createFolder(dir);
  await writeJson(dir, files.plan, plan);
  await writeJson(dir, files.run, record);
  const timeline = openTimeline(dir);
  try {
    onProgress({ kind: 'phase', name: 'building' });
    onProgress({ kind: 'note', text: `lab as ${inside.runsAs}, capture with ${record.engine}` });
    const sysctl = Object.keys(plan.sysctl);
    const fabric = await buildLab(plan, {
      inside, startRelay, runIn: dirname(scenario.file), readState: () => readState({ netns: null, sysfs: inside.sysfs, sysctl }),
    });
    try {
      await runSteps({ plan, key, dir, fabric, timeline, engine: engine.name, devices: options.devices ?? kernelDevices, signal: options.signal, onProgress });
    } finally {
      await fabric.close();
    }
  } finally {
    timeline.close();
  }
  onProgress({ kind: 'phase', name: 'collating' });
  const counters = stepFacts(plan, timeline.entries).map((facts) => ({ ...facts.lastCounters }));
  const { sha256, packets } = await collate({ dir, plan, key, counters, application: `verify-isolation ${options.toolVersion}` });
  await writeJson(dir, files.run, { ...record, key: key.toString('hex'), capture: { sha256, packets } });
  onProgress({ kind: 'phase', name: 'judging' });
  const result = await replayFolder(dir);
  await writeJson(dir, files.result, result);
  await writeSums(dir);
  return { result, plan, dir };
}
