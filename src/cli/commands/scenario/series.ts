import { lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Scenario, Trusted } from '../../../core/model/scenario.js';
import { messageOf, usageError } from '../../../core/model/verify-error.js';
import { judgeOnly } from '../../../core/scenario/scenario-record.js';
import { readOwnedFile } from './owned-file.js';

/** `--set NAME=VALUE`; the last wins. VerifyError (64). */
export function parseSets(words: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    words.map((word): [string, string] => {
      const at = word.indexOf('=');
      if (at < 1)
        throw usageError(
          `--set ${word}: expected NAME=VALUE`,
          'for example --set count=1000; the names stand in the scenario\'s "vars"',
        );
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

/** Judges only matching steps. VerifyError (64) for a wrong expression or no match in any file. */
export function grepSteps(scenarios: readonly Scenario[], grep: string | undefined): readonly Scenario[] {
  if (grep === undefined) return scenarios;
  const pattern = patternOf(grep);
  const names = scenarios.flatMap(({ steps }) => steps.map(({ name }) => name));
  if (!names.some((name) => pattern.test(name)))
    throw usageError(`--grep ${grep}: no step has such a name`, `the steps are: ${names.slice(0, 20).join(' · ')}`);
  return scenarios
    .filter(({ steps }) => steps.some(({ name }) => pattern.test(name)))
    .map((scenario) => ({ ...judgeOnly(scenario, ({ name }) => pattern.test(name)), grep }));
}

function patternOf(grep: string): RegExp {
  try {
    return new RegExp(grep, 'u');
  } catch (error) {
    throw usageError(`--grep: ${messageOf(error)}`, 'give a regular expression that matches the names of steps');
  }
}

/** Repeats scenarios round by round; a seed decides the order. */
export function inSeries(scenarios: readonly Scenario[], repeat: number, seed: number | null): readonly Scenario[] {
  const series = Array.from({ length: repeat }, () => scenarios).flat();
  if (seed === null) return series;
  const random = mulberry32(seed);
  for (let at = series.length - 1; at > 0; at -= 1) {
    const drawn = Math.floor(random() * (at + 1)); // Fisher and Yates
    const [a, b] = [series[at], series[drawn]];
    if (a === undefined || b === undefined) break;
    [series[at], series[drawn]] = [b, a];
  }
  return series;
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Removes openness by design. Observed-only guests then lack a proof, and host programs may not read frames. */
export function strictly(scenario: Scenario): Scenario {
  const { topology } = scenario;
  return {
    ...scenario,
    topology: {
      ...topology,
      endpoints: topology.endpoints.map((endpoint) =>
        endpoint.observedOnly === undefined ? endpoint : { ...endpoint, observedOnly: 'missing' },
      ),
    },
    steps: scenario.steps.map((step) => ({
      ...step,
      noReaders: true,
      probes: step.probes.map(({ openByDesign: open, ...probe }) =>
        // An addressee that is open by design must see it; strictly it is a leak there
        open === undefined || probe.maySee !== null || probe.class !== 'known-unicast'
          ? probe
          : { ...probe, maySee: [], mustSee: [] },
      ),
    })),
  };
}

const othersWrite = 0o022;
const hostTrustFile = '/etc/verify-isolation/trust';

/** The host's `@FILE` for `--trust`, or empty. VerifyError (64) if others than root may replace it. */
export function hostTrust(path = hostTrustFile): readonly string[] {
  for (const place of [path, dirname(path)]) {
    const stats = lstatSync(place, { throwIfNoEntry: false });
    if (stats === undefined) return [];
    const isWhole = place === path ? stats.isFile() : stats.isDirectory();
    if (!isWhole || stats.uid !== 0 || (stats.mode & othersWrite) !== 0)
      throw usageError(
        `${place}: others than root may write it, so that nobody is trusted by it`,
        `type: chown root ${place} && chmod go-w ${place}, or remove it`,
      );
  }
  return [`@${path}`];
}

function linesOfTrust(word: string): readonly string[] {
  const hint = 'name a file of root, with a line for each --trust';
  return readOwnedFile(`--trust ${word}`, word.slice(1), hint).toString('utf8').split('\n');
}

const comment = /(?:^|\s)#\s*(.*)$/;

function trustedBy(line: string, otherwise: string, ticket: string | null): readonly Trusted[] {
  const text = line.replace(comment, '').trim();
  if (text === '') return [];
  const reason = comment.exec(line)?.[1]?.trim() ?? '';
  const [, what = text, where = null] = /^(.*?\S) at (\S.*)$/.exec(text) ?? [];
  return [{ what, where, reason: reason === '' ? otherwise : reason, owner: null, ticket, until: null }];
}

/** Adds `--trust WHAT`, `'WHAT at WHERE'` or `@FILE` to steps that send. VerifyError (64). */
export function trusting(words: readonly string[], ticket: string | undefined): (scenario: Scenario) => Scenario {
  const trust = words.flatMap((word) => {
    const [lines, reason] = word.startsWith('@')
      ? [linesOfTrust(word), `a line of ${word.slice(1)}`]
      : [[word], `run --trust ${word}`];
    return lines.flatMap((line) => trustedBy(line, reason, ticket ?? null));
  });
  return (scenario) => ({
    ...scenario,
    steps: scenario.steps.map((step) =>
      step.probes.length === 0 || trust.length === 0 ? step : { ...step, trust: [...(step.trust ?? []), ...trust] },
    ),
  });
}
