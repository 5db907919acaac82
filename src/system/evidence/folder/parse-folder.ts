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
import { jsonText } from '../../../core/text/json-text.js';
import { carriedFlows } from '../../../core/plan/flows/flow-table.js';
import { planWithEars } from '../../../core/plan/ears.js';
import { isProbeClass } from '../../../core/probe/classes.js';
import { documentText, files, type JudgedFile, stateFile } from './folder.js';
import { type WayBelow, wayBelow } from './reach-folder.js';
import { readRegular, readRegularIfThere } from '../read/regular-file.js';

/** A run with a million flows, or a host with ten thousand guests, has a tenth of it. */
const maxBytes = 256 * 2 ** 20;

/** What a run knows of its plan.json, which names no ears yet, as the plan that is judged does. */
export interface WrittenPlanFile {
  /** Hex. */
  readonly sha256: string;
  /** What was written there; absent = this process is not the one that wrote it. */
  readonly plan?: Plan;
}

/**
 * What the run itself wrote into its folder. A file that has this text to the byte needs no schema; any other is read
 * as one of somebody else's.
 */
export interface WrittenFiles {
  readonly planFile?: WrittenPlanFile;
  readonly run?: RunRecord;
  readonly timeline?: readonly TimelineEntry[];
  /** By step. */
  readonly states?: readonly StepStates[];
  readonly trace?: readonly TraceLine[];
  /** SHA-256 of discarded.ndjson, hex. */
  readonly discardedSha256?: string | undefined;
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

/** It is not there; what may not be looked at may be. */
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

/** null = there is no such file. */
function readIfThere(path: string): string | null {
  try {
    return readRegularIfThere(path, maxBytes);
  } catch (error) {
    throw damaged(path, messageOf(error));
  }
}

/** `written`: what this process knows to have been written there. */
function parse(
  path: string,
  text: string,
  { name, codec }: JudgedFile,
  written: object | null | undefined = null,
): unknown {
  if (written !== null && written !== undefined && text === documentText(written)) return JSON.parse(text);

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

/** A folder of another version may be of no shape that is known here. */
const otherRules = { tool: { verdictRules: number } };

/**
 * The plan of a run's folder with its flows as flows, whichever way they were written. VerifyError 64 where it is not
 * one. Where the file is the one that `written` names, it is the same object: what was counted by it while the run went
 * on is not counted again.
 */
export async function parsePlan(dir: string, written: WrittenPlanFile | null = null): Promise<Plan> {
  const path = join(dir, files.plan.name);
  const text = read(path);
  const isKnown = written !== null && createHash('sha256').update(text).digest('hex') === written.sha256;
  if (isKnown && written.plan !== undefined) return written.plan;
  const plan = (isKnown ? JSON.parse(text) : parse(path, text, files.plan)) as WrittenPlan;
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

/** A document a line; `isOwn`: this process wrote that line. */
async function parseLines(
  path: string,
  text: string,
  file: JudgedFile,
  isOwn: (line: string, index: number) => boolean,
): Promise<readonly unknown[]> {
  // A run that was killed may leave its last line unfinished; every other line has to be whole.
  const complete = text.split('\n').slice(0, -1);
  const parsed: unknown[] = [];
  for (const [index, line] of complete.entries())
    parsed.push(isOwn(line, index) ? JSON.parse(line) : parse(`${path}:${index + 1}`, line, file));
  return parsed;
}

/** True if a line, by its place, is one that this process wrote. */
function isOneOf(written: readonly object[]): (line: string, index: number) => boolean {
  return (line, index) => {
    const known = written[index];
    return known !== undefined && line === jsonText(known);
  };
}

async function parseTimeline(dir: string, written: readonly TimelineEntry[] = []): Promise<readonly TimelineEntry[]> {
  const path = join(dir, files.timeline.name);
  return (await parseLines(path, read(path), files.timeline, isOneOf(written))) as readonly TimelineEntry[];
}

/** Through no link, also not in the place of the folder of states. */
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

async function parseState(
  dir: string,
  step: number,
  when: 'before' | 'after' | number,
  written: HostState | null | undefined,
): Promise<HostState | null> {
  const path = join(dir, stateFile(step, when));
  const text = readStateIfThere(dir, stateFile(step, when));
  return text === null ? null : (parse(path, text, files.state, written) as HostState);
}

/** Frames that were counted and not kept; where the file is missing there are none, which its hash reports. */
async function parseDiscarded(dir: string, written?: string): Promise<NonNullable<JudgeInput['discarded']>> {
  const path = join(dir, files.discarded.name);
  const text = readIfThere(path);
  const sha256 = text === null ? null : createHash('sha256').update(text).digest('hex');
  const isKnown = written !== undefined && sha256 === written;
  const lines = await parseLines(path, text ?? '', files.discarded, () => isKnown);
  return { lines: lines as readonly DiscardedFrames[], sha256 };
}

/** Lines of the kernel's trace; a run without one has no such file. */
async function parseTrace(dir: string, written: readonly TraceLine[] = []): Promise<readonly TraceLine[] | null> {
  const path = join(dir, files.trace.name);
  const text = readIfThere(path);
  if (text === null) return null;
  return (await parseLines(path, text, files.trace, isOneOf(written))) as readonly TraceLine[];
}

/** The fixes that were tried after the run. */
async function parseFixes(dir: string): Promise<readonly FixRecord[]> {
  const path = join(dir, files.fixes.name);
  const text = readIfThere(path);
  return text === null ? [] : (parse(path, text, files.fixes) as readonly FixRecord[]);
}

/**
 * Reads everything of a run's folder but the capture. `written`: what its run knows of it. VerifyError 64, with the
 * file's name, where it is not what a run leaves.
 */
export async function parseFolder(dir: string, written: WrittenFiles = {}): Promise<JudgeInput> {
  const runFile = join(dir, files.run.name);
  if (await isMissing(runFile)) throw await (await import('./host-folders.js')).noRun(dir);
  const run = parse(runFile, read(runFile), files.run, written.run) as RunRecord;
  const plan = await parsePlan(dir, written.planFile);
  const timeline = await parseTimeline(dir, written.timeline);
  const states = await Promise.all(
    plan.steps.map(async ({ index }): Promise<StepStates> => {
      const around = timeline.filter(
        (entry) => entry.step === index && entry.event === 'state-read' && entry.when === 'during',
      );
      const known = written.states?.[index];
      const during = await Promise.all(around.map((_, at) => parseState(dir, index, at + 1, known?.during?.[at])));
      return {
        before: await parseState(dir, index, 'before', known?.before),
        after: await parseState(dir, index, 'after', known?.after),
        ...(during.length === 0 ? {} : { during }),
      };
    }),
  );
  const trace = await parseTrace(dir, written.trace);
  const fixes = await parseFixes(dir);
  const discarded = run.capture?.discarded === undefined ? null : await parseDiscarded(dir, written.discardedSha256);
  return {
    run,
    plan: planWithEars(plan, timeline),
    timeline,
    states,
    ...(discarded === null ? {} : { discarded }),
    ...(trace === null ? {} : { trace }),
    ...(fixes.length === 0 ? {} : { fixes }),
  };
}
