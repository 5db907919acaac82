import type { Result } from '../../../src/core/model/result.js';
import { causeStories } from '../../../src/report/answer/cause-stories.js';
import { type BrokenBarrier, soundHosts } from './broken-barriers.js';
import { randomFrom } from './random.js';
import { wholeHost } from './whole-host.js';

/** What the default command said of a host. */
export interface Tried {
  readonly status: number | null;
  readonly result: Result;
  readonly stderr: string;
}

/** Runs the program without a file on a host of so many guests; `script` comes after the guests are there. */
export async function runWhole(guests: number, script: string, args: readonly string[] = []): Promise<Tried> {
  const host = wholeHost(guests);
  try {
    if (script !== '') host.sh(script);
    const { status, stdout, stderr } = await host.run(['run', '--yes', '--quiet', '--json', ...args]);
    if (stdout === '') throw new Error(`no result, exit ${status}: ${stderr}`);
    return { status, result: JSON.parse(stdout) as Result, stderr };
  } finally {
    host.close();
  }
}

/** What is wrong with the answer to one broken barrier; empty = nothing. */
export async function tryBarrier(barrier: BrokenBarrier, guests: number, seed: number): Promise<readonly string[]> {
  const { below } = randomFrom(seed);
  const k = 1 + below(guests);
  const j = 1 + ((k + below(guests - 1)) % guests);
  const { status, result, stderr } = await runWhole(
    guests,
    `${soundHosts[barrier.on](guests)}\n${barrier.breaks(k, j)}`,
  );
  const isExposed = barrier.verdict === 'exposed';
  const groups = result.steps.flatMap((step) => (isExposed ? step.exposures : step.groups) ?? []);
  const causes = groups.flatMap((group) => group.causes);
  const leading = causeStories(result)[0]?.group.cause ?? 'none';
  const observers = new Set(groups.flatMap((group) => group.observers));
  const told = groups.flatMap((group) =>
    group.causes
      .filter(({ code }) => barrier.causes.includes(code))
      .map((cause) => ({ cause, text: `${cause.places.join(' ')} ${cause.text}; at ${group.observers.join(' ')}` })),
  );
  const mine = told.map(({ cause }) => cause);
  const text = told.map((each) => each.text).join('\n');
  const fixes = mine.flatMap(({ fixes: commands }) => commands);
  const wanted = barrier.fix(k);
  const reasons = result.steps.flatMap((step) => step.reasons.map(({ code, text: why }) => `${code}: ${why}`));
  return [
    ...(status === (isExposed ? 0 : 2)
      ? []
      : [`status ${status}, ${result.verdict}: ${reasons.slice(0, 3).join('; ')} ${stderr.slice(-300)}`]),
    ...(mine.length > 0
      ? []
      : [
          `causes ${[...new Set(causes.map(({ code }) => code))].join(', ') || 'none'}${observers.size === 0 ? '' : ` at ${[...observers].join(', ')}`}`,
        ]),
    ...(isExposed || barrier.causes.includes(leading) ? [] : [`${leading} leads`]),
    ...(barrier.names(k).test(text) ? [] : [`v${k} is not named: ${text.slice(0, 200)}`]),
    ...(wanted === null || fixes.some((fix) => wanted.test(fix)) ? [] : [`fixes ${fixes.slice(0, 3).join(' | ')}`]),
  ].map((fault) => `guest ${k}, other ${j}: ${fault}`);
}
