import { z } from 'zod';
import type { Plan } from '../model/plan.js';
import type { ProbeClassName } from '../model/scenario.js';
import { VerifyError } from '../model/verify-error.js';
import { hostDisruptiveClasses, scenarioClasses } from '../probe/classes.js';
import { faultList } from '../scenario/yaml/fault.js';
import { readYaml } from '../scenario/yaml/read-yaml.js';
import { salvage } from '../scenario/yaml/salvage.js';
import { interfaceName, time, wholeNumber } from '../scenario/schema/values.js';
import { escapePath } from '../text/escape.js';
import { milliseconds } from '../text/time.js';
import { costOf } from './cost.js';

/** An operator's limits for all runs on a host, also towards later guests. */
export interface Limits {
  /** Bridges to examine; null = all. */
  readonly bridges: readonly string[] | null;
  /** Classes to send; null = all that do not disturb guests. */
  readonly classes: readonly ProbeClassName[] | null;
  readonly frames: number;
  readonly rate: number;
  readonly outOfNic: number;
  readonly timeMs: number;
}

const million = 1_000_000;
const schema = z.strictObject({
  version: z.literal(1, { error: 'expected 1' }),
  bridges: z.array(interfaceName).min(1, { error: 'expected at least one bridge' }).optional(),
  classes: z
    .array(z.enum(scenarioClasses, { error: 'expected a class of probes' }))
    .min(1, { error: 'expected at least one class' })
    .optional(),
  frames: wholeNumber(1, 100 * million),
  rate: wholeNumber(1, million),
  out_of_nic: wholeNumber(0, million),
  time: time.refine((value) => milliseconds(value) !== 0, { error: 'expected a time with unit such as 20m' }),
});

/** Parses limits (YAML). Throws VerifyError (64) with a line `file:line:col: …` a fault. */
export function parseLimits(file: string, bytes: Uint8Array): Limits {
  const yaml = readYaml(bytes);
  const faults = yaml.ok ? faultList(yaml.locate) : { faults: yaml.faults };
  const read = yaml.ok && 'add' in faults ? salvage(faults, schema, yaml.data, []) : null;
  if (read === null || faults.faults.length > 0)
    throw new VerifyError(
      'usage',
      64,
      faults.faults.map(({ line, col, message }) => `${escapePath(file)}:${line}:${col}: ${message}`).join('\n'),
      'it takes version, frames, rate, out_of_nic, time and, to narrow them, bridges and classes',
    );
  const { bridges = null, classes = null, frames, rate, out_of_nic: outOfNic, time: longest } = read.value;
  return { bridges, classes, frames, rate, outOfNic, timeMs: milliseconds(longest) ?? 0 };
}

/** A line for each limit that a plan exceeds; empty = none. */
export function beyondLimits(plan: Plan, limits: Limits): readonly string[] {
  const { probeFrames, controlFrames, outOfNic, rate, seconds, classes } = costOf(plan);
  const figures = [
    ['frames', probeFrames + controlFrames, limits.frames],
    ['frames a second', rate, limits.rate],
    ['frames out of the NIC', outOfNic, limits.outOfNic],
    ['seconds', Math.ceil(seconds), limits.timeMs / 1000],
  ] as const;
  const refused = (name: ProbeClassName): boolean =>
    limits.classes === null ? hostDisruptiveClasses.includes(name) : !limits.classes.includes(name);
  return [
    ...figures.flatMap(([unit, planned, most]) => (planned > most ? [`${planned} ${unit}, at most ${most}`] : [])),
    ...plan.bridges.flatMap(({ name }) =>
      limits.bridges === null || limits.bridges.includes(name) ? [] : [`bridge ${name}`],
    ),
    ...classes.filter(refused).map((name) => `class ${name}`),
    ...plan.steps.flatMap(({ changes, name }) => (changes.length === 0 ? [] : [`changes of the host in step ${name}`])),
  ];
}
