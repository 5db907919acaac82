import { createHash } from 'node:crypto';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { DiscardedFrames } from '../../../core/judge/count/discarded.js';
import type { JudgeInput } from '../../../core/judge/judge.js';
import type { Flow, Plan, StepPlan } from '../../../core/model/plan.js';
import type { RunRecord } from '../../../core/model/run-record.js';
import type { HostState, StepStates } from '../../../core/model/state.js';
import type { TimelineEntry } from '../../../core/model/timeline.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { carriedFlows, type FlowColumnsRecord } from '../../../core/plan/flows/flow-table.js';
import { planWithEars } from '../../../core/plan/ears.js';
import { readFixes } from './fixes.js';
import { documentText, files, stateFile } from './folder.js';
import { readRegular, readRegularIfThere } from '../read/regular-file.js';
import { noRun } from './host-folders.js';
import { planShape } from './plan-shape.js';
import { discardedShape, runShape } from './run-shape.js';
import { stateShape } from './state-shape.js';
import { timelineShape } from './timeline-shape.js';

/** A run with a million flows, or a host with ten thousand guests, has a tenth of it. */
const maxBytes = 256 * 2 ** 20;

/** A function made of a schema takes longer than it saves, with 7,000 flows too (20 ms of 40 in a small run). */
const once = { jitless: true };

function damaged(path: string, why: string): VerifyError {
  return new VerifyError(
    'evidence-unreadable',
    64,
    `${path}: ${why}`,
    'This is no folder that a run of verify-isolation left, or a file of it was changed.',
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
    throw damaged(path, error instanceof Error ? error.message : String(error));
  }
}

/** null = there is no such file. */
function readIfThere(path: string): string | null {
  try {
    return readRegularIfThere(path, maxBytes);
  } catch (error) {
    throw damaged(path, error instanceof Error ? error.message : String(error));
  }
}

function parse(path: string, text: string, shape: z.ZodType): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(path, `not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const checked = shape.safeParse(value, once);
  if (!checked.success) throw damaged(path, z.prettifyError(checked.error).replaceAll('\n', ' '));
  return value;
}

/**
 * The plan of a run's folder with its flows as flows, whichever way they were written; `known` where the file is its
 * text, which need not be parsed then. VerifyError 64 where it is none.
 */
export async function parsePlan(dir: string, known: Plan | null = null): Promise<Plan> {
  const path = join(dir, files.plan);
  const text = read(path);
  if (known !== null && text === documentText(known)) return known;
  const plan = parse(path, text, planShape) as Omit<Plan, 'steps'> & {
    readonly steps: readonly (Omit<StepPlan, 'flows'> & { readonly flows: readonly Flow[] | FlowColumnsRecord })[];
  };
  return {
    ...plan,
    steps: plan.steps.map((step) => {
      const flows = carriedFlows(step.flows);
      if (flows === null) throw damaged(path, `the flows of step ${step.index + 1} do not fit together`);
      return { ...step, flows };
    }),
  };
}

/** The plan with the ears that the run's steps found, from the folder of a run that has ended. */
export async function parseHeardPlan(dir: string): Promise<Plan> {
  return planWithEars(await parsePlan(dir), await parseTimeline(join(dir, files.timeline)));
}

async function parseTimeline(path: string): Promise<readonly TimelineEntry[]> {
  const lines = read(path).split('\n');
  // A run that was killed may leave its last line unfinished; every other line has to be whole.
  const whole = lines.slice(0, -1);
  return whole.map((line, index) => parse(`${path}:${index + 1}`, line, timelineShape) as TimelineEntry);
}

async function parseState(dir: string, step: number, when: 'before' | 'after' | number): Promise<HostState | null> {
  const path = join(dir, stateFile(step, when));
  const text = readIfThere(path);
  return text === null ? null : (parse(path, text, stateShape) as HostState);
}

/** Frames that were counted and not kept; where the file is missing there are none, which its hash reports. */
async function parseDiscarded(dir: string): Promise<NonNullable<JudgeInput['discarded']>> {
  const path = join(dir, files.discarded);
  const text = readIfThere(path);
  const lines = (text ?? '')
    .split('\n')
    .slice(0, -1)
    .map((line, index) => parse(`${path}:${index + 1}`, line, discardedShape) as DiscardedFrames);
  return { lines, sha256: text === null ? null : createHash('sha256').update(text).digest('hex') };
}

/**
 * Reads everything of a run's folder but the capture; `known` as with `parsePlan`. VerifyError 64, with the file's
 * name, where it is not what a run leaves.
 */
export async function parseFolder(dir: string, known: Plan | null = null): Promise<JudgeInput> {
  const runFile = join(dir, files.run);
  if (await isMissing(runFile)) throw await noRun(dir);
  const run = parse(runFile, read(runFile), runShape) as RunRecord;
  const plan = await parsePlan(dir, known);
  const timeline = await parseTimeline(join(dir, files.timeline));
  const states = await Promise.all(
    plan.steps.map(async ({ index }): Promise<StepStates> => {
      const around = timeline.filter(
        (entry) => entry.step === index && entry.event === 'state-read' && entry.when === 'during',
      );
      const during = await Promise.all(around.map((_, at) => parseState(dir, index, at + 1)));
      return {
        before: await parseState(dir, index, 'before'),
        after: await parseState(dir, index, 'after'),
        ...(during.length === 0 ? {} : { during }),
      };
    }),
  );
  const fixes = await readFixes(dir);
  const discarded = run.capture?.discarded === undefined ? null : await parseDiscarded(dir);
  return {
    run,
    plan: planWithEars(plan, timeline),
    timeline,
    states,
    ...(discarded === null ? {} : { discarded }),
    ...(fixes.length === 0 ? {} : { fixes }),
  };
}
