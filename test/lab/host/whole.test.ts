import { describe, expect, it } from 'vitest';
import { type BrokenBarrier, brokenBarriers, type SoundHost, soundHosts } from '../../support/lab/broken-barriers.js';
import { terminalReport } from '../../../src/report/terminal/terminal.js';
import { runWhole, tryBarrier } from '../../support/lab/try-barrier.js';
import { macOfGuest } from '../../support/lab/whole-host.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const guests = 8;

/** One of each kind; all of them, at 50 guests, `npm run soak host`. */
const chosen: readonly (readonly [string, SoundHost])[] = [
  ['learning off', 'stock'],
  ['ageing 0', 'MAC filters'],
  ['learning off, entry left', 'stock'],
  ['isolated off', 'isolated'],
  ['filter gone', 'MAC filters'],
];

function barrierOf([what, on]: readonly [string, SoundHost]): BrokenBarrier {
  const found = brokenBarriers.find((barrier) => barrier.what === what && barrier.on === on);
  if (found === undefined) throw new Error(`no barrier ${what} on ${on}`);
  return found;
}

describe('run without a file', { ...needs(root), timeout: patient(120_000) }, () => {
  it('has 40 barriers to try, or more, no two alike', () => {
    const names = brokenBarriers.map(({ what, on }) => `${what} on ${on}`);
    expect(names.length).toBeGreaterThanOrEqual(40);
    expect(new Set(names).size).toBe(names.length);
  });

  it.each(
    chosen.map((choice, at) => ({ name: choice.join(' on a host: '), barrier: barrierOf(choice), seed: at + 1 })),
  )('finds a broken barrier, names it and what ends it: $name', async ({ barrier, seed }) => {
    expect(await tryBarrier(barrier, guests, seed)).toEqual([]);
  });

  it('holds where every guest is isolated, exposes nothing, and names one whose MAC nobody knows', async () => {
    const silent = `${soundHosts.isolated(guests)}; bridge fdb del ${macOfGuest(5)} dev v5 master`;
    const { status, result } = await runWhole(guests, silent);
    expect([status, result.verdict, result.steps.flatMap(({ exposures = [] }) => exposures)]).toEqual([0, 'holds', []]);
    const words = 'HOLDS for 7 of 8 guests; 1 was only observed: v5. ';
    const lines = terminalReport([{ result, dir: null, details: null }], { width: 100, color: false }).split('\n');
    expect([lines[0], lines.findLast((line) => line.startsWith('HOLDS'))]).toEqual([
      expect.stringContaining(words),
      expect.stringContaining(words),
    ]);
  });

  it('finds a static entry that hands one guest what is for another, names both, and what ends it', async () => {
    const stray = `bridge fdb del ${macOfGuest(5)} dev v5 master; bridge fdb add ${macOfGuest(5)} dev v6 master static sticky`;
    const { status, result } = await runWhole(guests, `${soundHosts.stock(guests)}; ${stray}`);
    const groups = result.steps.flatMap((step) => step.groups ?? []);
    expect([status, groups.map(({ to, observers }) => [to, observers])]).toEqual([2, [[['v5'], ['v6']]]]);
    expect(groups[0]?.causes).toMatchObject([
      {
        code: 'mac-moved',
        text: 'a static entry has the MAC of v5 at v6, so what is sent to v5 goes there',
        fixes: [`bridge fdb replace ${macOfGuest(5)} dev v5 master static sticky`],
      },
    ]);
  });

  it('is INCONCLUSIVE with --strict where a guest was only observed', async () => {
    const silent = `${soundHosts.isolated(guests)}; bridge fdb del ${macOfGuest(5)} dev v5 master`;
    const { status, result } = await runWhole(guests, silent, ['--strict']);
    const reasons = result.steps.flatMap((step) => step.reasons.map(({ code, observer }) => `${code} ${observer}`));
    expect([status, [...new Set(reasons)]]).toEqual([3, ['observed-only v5']]);
  });
});
