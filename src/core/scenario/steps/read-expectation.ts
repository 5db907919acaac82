import type { z } from 'zod';
import type { Allowance, Expectation, SeenClaim } from '../../model/scenario.js';
import { quote } from '../../text/escape.js';
import type { expectation, seen } from '../schema/step.js';
import { where } from '../yaml/explain-issue.js';
import type { Path } from '../yaml/fault.js';
import { didYouMean } from '../yaml/nearest-word.js';
import { select } from './select.js';
import { type StepContext, selectPresent } from './step-context.js';

interface RawAllowance {
  readonly may_see?: string | readonly string[] | undefined;
  readonly must_see?: string | readonly string[] | undefined;
  readonly seen?: z.output<typeof seen> | undefined;
}

/** Reads `may_see`, `must_see` and `seen` of a probe, traffic or `expect`. */
export function readAllowance(context: StepContext, raw: RawAllowance, path: Path): Allowance {
  const { faults, reading } = context;
  return {
    maySee:
      raw.may_see === undefined ? null : select(faults, reading, raw.may_see, [...path, 'may_see'], { among: null }),
    mustSee: raw.must_see === undefined ? null : selectPresent(context, raw.must_see, [...path, 'must_see']),
    seen: Object.entries(raw.seen ?? {}).flatMap(([observer, claims]) =>
      readClaims(context, observer, claims, [...path, 'seen', observer]),
    ),
  };
}

function claimsAt(raw: z.output<typeof seen>[string], path: Path) {
  if (typeof raw !== 'object') return [{ seen: raw, at: path }];
  if (!Array.isArray(raw)) return [{ ...raw, at: path }];
  return raw.map((claim, index) => ({ ...claim, at: [...path, index] }));
}

function readClaims(
  context: StepContext,
  observer: string,
  raw: z.output<typeof seen>[string],
  path: Path,
): readonly SeenClaim[] {
  const observers = selectPresent(context, observer, path);
  return claimsAt(raw, path).flatMap((claim) => {
    const {
      from = null,
      to = null,
      carrier = null,
      variant,
      at,
    } = { from: null, to: null, carrier: null, variant: undefined, ...claim };
    if (from !== null) checkName(context, from, [...at, 'from']);
    if (to !== null) checkName(context, to, [...at, 'to']);
    return observers.map(
      (name): SeenClaim => ({
        observer: name,
        from,
        to,
        carrier,
        ...(variant === undefined ? {} : { variant }),
        seen: claim.seen,
      }),
    );
  });
}

/** True if the name is an endpoint's; else a fault. */
export function checkName(context: StepContext, name: string, path: Path): boolean {
  const { faults, reading } = context;
  if (reading.names.has(name)) return true;
  faults.add(path, `${where(path)}: there is no endpoint ${quote(name)}${didYouMean(name, reading.names)}`);
  return false;
}

const nothingSaid = { maySee: null, mustSee: null, seen: [], observers: null } as const;

/**
 * Reads `expect`. `holds` leaves may and must to the class: the addressee, if any. `otherwise`: the default of a step
 * without the key.
 */
export function readExpectation(
  context: StepContext,
  raw: z.output<typeof expectation> | undefined,
  path: Path,
  otherwise: 'holds' | null,
): Expectation {
  const read = expectationOf(context, raw, path, otherwise);
  if (read.expected === 'broken' && context.reading.topology.provider === 'host') {
    context.faults.add(
      path,
      `${where(path)}: a leak cannot be what is expected of a host: it would make a broken host green`,
    );
  }
  return read;
}

function expectationOf(
  context: StepContext,
  raw: z.output<typeof expectation> | undefined,
  path: Path,
  otherwise: 'holds' | null,
): Expectation {
  switch (raw) {
    case undefined:
      return { expected: otherwise, ...nothingSaid };
    case 'holds':
    case 'private':
    case 'isolated':
      return { expected: 'holds', ...nothingSaid };
    case 'separated':
      return { expected: 'holds', ...nothingSaid, maySee: [], mustSee: [] };
    case 'leak':
      return { expected: 'broken', ...nothingSaid };
    case 'unjudged':
      return { expected: null, ...nothingSaid };
    default:
      return {
        expected: raw.verdict ?? 'holds',
        ...readAllowance(context, raw, path),
        observers: raw.observers === undefined ? null : selectPresent(context, raw.observers, [...path, 'observers']),
      };
  }
}
