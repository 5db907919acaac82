import type { Plan } from '../../../core/model/plan.js';
import type { PrecheckNote } from '../../../core/model/run-record.js';
import type { Scenario } from '../../../core/model/scenario.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { planHash } from '../../../core/plan/hash.js';
import { localPart } from '../../../core/plan/hosts.js';
import { makePlan } from '../../../core/plan/make-plan.js';
import { hostsToConnect } from '../../../core/plan/hosts.js';
import { jsonText } from '../../../core/text/json-text.js';
import { toolVersion } from '../../../system/process/package-path.js';
import { connectionsText, hostSummary, precheckText } from '../../../report/terminal/host-summary.js';
import { planText } from '../../../report/terminal/plan.js';
import { checkStarts } from './check-starts.js';
import { loadFiles } from './load-files.js';
import { parseSets } from './series.js';
import { columnsOf } from '../../screen.js';

/** Reads a host's present state, without changes or frames. */
export async function planOf(
  scenario: Scenario,
): Promise<{ readonly plan: Plan; readonly notes: readonly PrecheckNote[] }> {
  const zeros = { runTag: 0, keySha256: '0'.repeat(64) };
  if (scenario.topology.provider === 'lab') return { plan: makePlan(scenario, zeros), notes: [] };
  const [{ topologyOf }, { precheckHost }] = await Promise.all([
    import('../../../run/topology.js'),
    import('../../../run/precheck-host.js'),
  ]);
  const topology = await topologyOf(scenario, null, 'plan');
  const plan = makePlan(topology.scenario, { ...zeros, ...topology.hostTopology });
  try {
    return { plan, notes: (await precheckHost(localPart(plan), topology.netns)).notes };
  } finally {
    await topology.abandon();
  }
}

export interface PlanCommandOptions {
  readonly json: boolean;
  readonly hash: boolean;
  readonly hex: boolean;
  readonly connect: boolean;
  readonly allowRun: boolean;
  readonly set: readonly string[];
}

function unconnectedText(scenario: Scenario, { json, hash }: PlanCommandOptions): string {
  const hosts = hostsToConnect(scenario.topology);
  if (hash)
    throw new VerifyError(
      'not-connected',
      64,
      `${scenario.file}: the plan rests on what runs on ${hosts.map(({ name }) => name).join(', ')}, and nothing was connected to`,
      'read where it connects to with `plan FILE`; --connect lets it',
    );
  return json
    ? `${jsonText({ schemaVersion: 1, name: scenario.name, connects: hosts }, 2)}\n`
    : `The plan rests on what runs on other hosts. Nothing was connected to; with --connect these are:\n${connectionsText(hosts)}`;
}

/**
 * Prints a scenario's plan, or its SHA-256 for `run --approved`. Tag and key are zeros, so equal files print equal
 * plans. Connects to other hosts only with --connect.
 */
export async function planCommand(file: string, options: PlanCommandOptions): Promise<void> {
  for (const scenario of await loadFiles([file], { sets: parseSets(options.set), allowRun: options.allowRun })) {
    if (hostsToConnect(scenario.topology).length > 0) {
      if (!options.connect) {
        process.stdout.write(unconnectedText(scenario, options));
        continue;
      }
      checkStarts([scenario], options.allowRun);
    }
    const { plan, notes } = await planOf(scenario);
    if (options.hash)
      process.stdout.write(`${planHash(plan, { files: scenario.files, toolVersion: toolVersion() })}\n`);
    else if (options.json) process.stdout.write(`${jsonText(plan, 2)}\n`);
    else
      process.stdout.write(
        `${plan.provider === 'host' ? `${hostSummary(plan)}${precheckText(notes)}\n` : ''}${planText(plan, { width: Math.min(100, columnsOf(process.stdout)), hex: options.hex })}`,
      );
  }
}
