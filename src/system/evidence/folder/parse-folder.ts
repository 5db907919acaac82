import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiscardedFrames } from '../../../core/judge/count/discarded.js';
import type { JudgeInput } from '../../../core/judge/judge.js';
import type { TraceLine } from '../../../core/model/timeline.js';
import type { FixRecord } from '../../../core/model/fix.js';
import type { Plan, WrittenPlan } from '../../../core/model/plan.js';
import { verdictRules } from '../../../core/model/run-record.js';
import type { RunRecord } from '../../../core/model/run-record.js';
import type { HostState, StepStates } from '../../../core/model/state.js';
import type { TimelineEntry } from '../../../core/model/timeline.js';
import { fits, misfitOf, number, pathText } from '../../../core/model/shape/shape.js';
import { messageOf, systemCode, VerifyError } from '../../../core/model/verify-error.js';
import { carriedFlows } from '../../../core/plan/flows/flow-table.js';
import { planWithEars } from '../../../core/plan/ears.js';
import { isProbeClass } from '../../../core/probe/classes.js';
import { files, type JudgedFile, stateFile } from './folder.js';
import { type WayBelow, wayBelow } from './reach-folder.js';
import { readRegular, readRegularIfThere } from '../read/regular-file.js';

/** A million flows, or ten thousand guests, take a tenth. */
const maxBytes = 256 * 2 ** 20;

/** A run's plan.json without observers. */
export interface WrittenPlanFile {
  readonly sha256: string;
  readonly plan: Plan;
}

function damaged(path: string, why: string): VerifyError {
  return new VerifyError(
    'evidence-unreadable',
    64,
    `${path}: ${why}`,
    'This is no folder that a run of verify-isolation left, or a file of it was changed.',
  );
}

function recordedByOther(path: string, rules: number): VerifyError {
  return new VerifyError(
    'evidence-unreadable',
    64,
    `${path}: recorded by verdict rules ${rules}; this program judges by rules ${verdictRules} alone`,
    'Record it again: run its scenario with this program.',
  );
}

function isMissing(path: string): Promise<boolean> {
  return access(path).then(
    () => false,
    ({ code }: NodeJS.ErrnoException) => code === 'ENOENT' || code === 'ENOTDIR',
  );
}

function read(path: string): string {
  try {
    return readRegular(path, maxBytes);
  } catch (error) {
    throw damaged(path, messageOf(error));
  }
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function readIfThere(path: string): string | null {
  try {
    return readRegularIfThere(path, maxBytes);
  } catch (error) {
    throw damaged(path, messageOf(error));
  }
}

function parse(path: string, text: string, { name, codec }: JudgedFile): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(path, `not JSON: ${messageOf(error)}`);
  }
  const misfit = misfitOf(codec.shape, value);
  if (misfit === null) return value;
  if (name === files.run.name && fits(otherRules, value) && value.tool.verdictRules !== verdictRules)
    throw recordedByOther(path, value.tool.verdictRules);
  const at = pathText(misfit.at);
  throw damaged(path, `${at === '' ? '' : `${at}: `}expected ${misfit.expected}`);
}

/** Other versions may have another shape. */
const otherRules = { tool: { verdictRules: number } };

/**
 * Flows are expanded. VerifyError 64 if it is none. A file that matches `written` gives that object, whose counts stay
 * valid.
 */
export function parsePlan(dir: string, written: WrittenPlanFile | null = null): Plan {
  const path = join(dir, files.plan.name);
  const text = read(path);
  if (written !== null && sha256Of(text) === written.sha256) return written.plan;
  const plan = parse(path, text, files.plan) as WrittenPlan;
  return {
    ...plan,
    steps: plan.steps.map((step) => {
      const kinds = 'forms' in step.flows ? step.flows.forms : step.flows;
      if (![...kinds, ...(step.notAsked ?? [])].every((kind) => isProbeClass(kind.class)))
        throw damaged(path, `a class of step ${step.index + 1} is not known`);
      const flows = carriedFlows(step.flows);
      if (flows === null) throw damaged(path, `the flows of step ${step.index + 1} do not fit together`);
      return { ...step, flows };
    }),
  };
}

function parseLines(path: string, text: string, file: JudgedFile): readonly unknown[] {
  // A killed run may leave its last line unfinished.
  const complete = text.split('\n').slice(0, -1);
  return complete.map((line, index) => parse(`${path}:${index + 1}`, line, file));
}

/** Follows no link, also none for the folder. */
function readStateIfThere(dir: string, path: string): string | null {
  let way: WayBelow | null = null;
  try {
    way = wayBelow(dir, path);
    return readRegularIfThere(way.path, maxBytes);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw damaged(join(dir, path), error instanceof Error ? error.message : String(error));
  } finally {
    way?.close();
  }
}

function parseState(dir: string, step: number, when: 'before' | 'after' | number): HostState | null {
  const text = readStateIfThere(dir, stateFile(step, when));
  return text === null ? null : (parse(join(dir, stateFile(step, when)), text, files.state) as HostState);
}

/** The hash check reports a missing file. */
function parseDiscarded(dir: string): NonNullable<JudgeInput['discarded']> {
  const path = join(dir, files.discarded.name);
  const text = readIfThere(path);
  return {
    lines: parseLines(path, text ?? '', files.discarded) as readonly DiscardedFrames[],
    sha256: text === null ? null : sha256Of(text),
  };
}

function parseTrace(dir: string): readonly TraceLine[] | null {
  const path = join(dir, files.trace.name);
  const text = readIfThere(path);
  return text === null ? null : (parseLines(path, text, files.trace) as readonly TraceLine[]);
}

function parseFixes(dir: string): readonly FixRecord[] {
  const path = join(dir, files.fixes.name);
  const text = readIfThere(path);
  return text === null ? [] : (parse(path, text, files.fixes) as readonly FixRecord[]);
}

/** Reads all but the capture. `planFile`: from the run itself. VerifyError 64 names a malformed file. */
export async function parseFolder(dir: string, planFile: WrittenPlanFile | null = null): Promise<JudgeInput> {
  const runFile = join(dir, files.run.name);
  if (await isMissing(runFile)) throw await (await import('./no-run.js')).noRun(dir);
  const run = parse(runFile, read(runFile), files.run) as RunRecord;
  const plan = parsePlan(dir, planFile);
  const timelineFile = join(dir, files.timeline.name);
  const timeline = parseLines(timelineFile, read(timelineFile), files.timeline) as readonly TimelineEntry[];
  const states = plan.steps.map(({ index }): StepStates => {
    const during = timeline
      .filter((entry) => entry.step === index && entry.event === 'state-read' && entry.when === 'during')
      .map((_, at) => parseState(dir, index, at + 1));
    return {
      before: parseState(dir, index, 'before'),
      after: parseState(dir, index, 'after'),
      ...(during.length === 0 ? {} : { during }),
    };
  });
  const trace = parseTrace(dir);
  const fixes = parseFixes(dir);
  return {
    run,
    plan: planWithEars(plan, timeline),
    timeline,
    states,
    ...(run.capture?.discarded === undefined ? {} : { discarded: parseDiscarded(dir) }),
    ...(trace === null ? {} : { trace }),
    ...(fixes.length === 0 ? {} : { fixes }),
  };
}
