import { createHash } from 'node:crypto';
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { DiscardedFrames } from '../../../core/judge/count/discarded.js';
import type { JudgeInput } from '../../../core/judge/judge.js';
import { keeperNames } from '../../../core/model/persistent-fix.js';
import { type Flow, mostTokens, type Plan, type StepPlan } from '../../../core/model/plan.js';
import type { RunRecord } from '../../../core/model/run-record.js';
import type { HostState, StepStates } from '../../../core/model/state.js';
import type { TimelineEntry } from '../../../core/model/timeline.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { type FlowColumnsRecord, readFlowColumns } from '../../../core/plan/flows/flow-table.js';
import { readFixes } from './fixes.js';
import { documentText, files, stateFile } from './folder.js';
import { noRun } from './host-folders.js';

/** Many flows as columns (core/plan/flows/flow-table.ts). */
const flowColumns = z.looseObject({
  step: z.number(),
  id: z.number(),
  first: z.number(),
  length: z.int().min(0).max(mostTokens),
  form: z.string(),
  source: z.string(),
  aim: z.string(),
  forms: z.array(z.looseObject({ count: z.number(), frame: z.looseObject({}) })),
  sources: z.array(z.looseObject({ from: z.string(), sender: z.string(), srcMac: z.string() })),
  aims: z.array(z.looseObject({ dstMac: z.string(), must: z.array(z.string()), may: z.array(z.string()) })),
});

const ovs = z.looseObject({
  bridges: z.array(z.looseObject({ name: z.string(), columns: z.looseObject({}), flows: z.array(z.string()) })),
  ports: z.array(
    z.looseObject({ name: z.string(), bridge: z.string(), columns: z.looseObject({}), config: z.array(z.string()) }),
  ),
  mirrors: z.array(
    z.looseObject({
      name: z.string(),
      bridge: z.string(),
      outputPort: z.string().nullable(),
      ports: z.array(z.string()).nullable(),
    }),
  ),
});

const spans = z.object({ frames: z.number(), spans: z.number(), gaps: z.string(), lengths: z.string() });

/**
 * What has to hold of a document before it is taken for what its name says. Inner parts are written by this program.
 */
const shapes = {
  run: z.looseObject({
    runVersion: z.literal(1),
    id: z.string(),
    startedAt: z.string(),
    key: z.string().nullable(),
    tool: z.object({ name: z.string(), version: z.string(), verdictRules: z.literal(1) }),
    scenario: z.object({
      name: z.string(),
      file: z.string(),
      sha256: z.string(),
      files: z.array(z.object({ path: z.string(), sha256: z.string() })).optional(),
      variables: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
      grep: z.string().optional(),
    }),
    capture: z
      .object({
        sha256: z.string(),
        packets: z.number(),
        discarded: z.object({ frames: z.number(), sha256: z.string() }).optional(),
      })
      .nullable(),
    precheck: z
      .array(z.object({ code: z.string(), place: z.string(), value: z.string(), text: z.string() }))
      .optional(),
    keepers: z.array(z.looseObject({ by: z.enum(keeperNames), device: z.string() })).optional(),
    provenance: z
      .looseObject({
        instrument: z.looseObject({
          calibration: z
            .object({
              at: z.string(),
              durationMs: z.number(),
              engine: z.string(),
              planted: z.number(),
              seen: z.number(),
            })
            .nullable(),
        }),
      })
      .optional(),
  }),
  plan: z.looseObject({
    planVersion: z.literal(1),
    runTag: z.number(),
    keySha256: z.string(),
    bridges: z.array(z.looseObject({})),
    endpoints: z.array(z.looseObject({ name: z.string(), macs: z.array(z.string()) })),
    steps: z.array(
      z.looseObject({
        index: z.number(),
        name: z.string(),
        observers: z.array(z.looseObject({ name: z.string(), interface: z.string() })),
        flows: z.union([z.array(z.looseObject({ id: z.number(), first: z.number(), count: z.number() })), flowColumns]),
        controls: z.array(z.looseObject({ index: z.number() })),
        traffic: z.array(z.looseObject({})),
        during: z.array(z.looseObject({ atMs: z.number(), run: z.array(z.array(z.string())) })),
        expect: z.looseObject({ seen: z.array(z.looseObject({})) }),
      }),
    ),
  }),
  discarded: z.object({ step: z.number(), observer: z.string(), entered: spans, seen: spans, again: z.number() }),
  entry: z.looseObject({ atNs: z.string(), monoMs: z.number(), step: z.number(), event: z.string() }),
  state: z.looseObject({
    links: z.array(z.looseObject({ name: z.string() })),
    fdb: z.array(z.looseObject({})),
    unread: z.array(z.looseObject({})),
    ovs: ovs.optional(),
  }),
};

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

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
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
  const checked = shape.safeParse(value);
  if (!checked.success) throw damaged(path, z.prettifyError(checked.error).replaceAll('\n', ' '));
  return value;
}

/**
 * The plan of a run's folder with its flows as flows, whichever way they were written; `known` where the file is its
 * text, which need not be parsed then. VerifyError 64 where it is none.
 */
export async function parsePlan(dir: string, known: Plan | null = null): Promise<Plan> {
  const path = join(dir, files.plan);
  const text = await read(path);
  if (known !== null && text === documentText(known)) return known;
  const plan = parse(path, text, shapes.plan) as Omit<Plan, 'steps'> & {
    readonly steps: readonly (Omit<StepPlan, 'flows'> & { readonly flows: readonly Flow[] | FlowColumnsRecord })[];
  };
  return {
    ...plan,
    steps: plan.steps.map((step) => {
      const flows = 'forms' in step.flows ? readFlowColumns(step.flows) : step.flows;
      if (flows === null) throw damaged(path, `the flows of step ${step.index + 1} do not fit together`);
      return { ...step, flows };
    }),
  };
}

async function parseTimeline(path: string): Promise<readonly TimelineEntry[]> {
  const lines = (await read(path)).split('\n');
  // A run that was killed may leave its last line unfinished; every other line has to be whole.
  const whole = lines.slice(0, -1);
  return whole.map((line, index) => parse(`${path}:${index + 1}`, line, shapes.entry) as TimelineEntry);
}

async function parseState(dir: string, step: number, when: 'before' | 'after' | number): Promise<HostState | null> {
  const path = join(dir, stateFile(step, when));
  const text = await readFile(path, 'utf8').catch(() => null);
  return text === null ? null : (parse(path, text, shapes.state) as HostState);
}

/** Frames that were counted and not kept; where the file is missing there are none, which its hash tells. */
async function parseDiscarded(dir: string): Promise<NonNullable<JudgeInput['discarded']>> {
  const path = join(dir, files.discarded);
  const text = await readFile(path, 'utf8').catch(() => null);
  const lines = (text ?? '')
    .split('\n')
    .slice(0, -1)
    .map((line, index) => parse(`${path}:${index + 1}`, line, shapes.discarded) as DiscardedFrames);
  return { lines, sha256: text === null ? null : createHash('sha256').update(text).digest('hex') };
}

/**
 * Reads everything of a run's folder but the capture; `known` as with `parsePlan`. VerifyError 64, with the file's
 * name, where it is not what a run leaves.
 */
export async function parseFolder(dir: string, known: Plan | null = null): Promise<JudgeInput> {
  const runFile = join(dir, files.run);
  if (await isMissing(runFile)) throw await noRun(dir);
  const run = parse(runFile, await read(runFile), shapes.run) as RunRecord;
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
    plan,
    timeline,
    states,
    ...(discarded === null ? {} : { discarded }),
    ...(fixes.length === 0 ? {} : { fixes }),
  };
}
