import { describe, expect, it } from 'vitest';
import { type BrokenBarrier, brokenBarriers, type SoundHost, soundHosts } from '../../support/lab/broken-barriers.js';
import { runWhole, tryBarrier } from '../../support/lab/try-barrier.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const guests = 12;

/** One of each kind; all of them, at 50 guests, `npm run soak host`. */
const chosen: readonly (readonly [string, SoundHost])[] = [
  ['learning off', 'stock'],
  ['mirror, egress', 'stock'],
  ['isolated off', 'isolated'],
  ['flood on', 'flood off'],
  ['static entry gone', 'static entries'],
  ['filter gone', 'MAC filters'],
];

function barrierOf([what, on]: readonly [string, SoundHost]): BrokenBarrier {
  const found = brokenBarriers.find((barrier) => barrier.what === what && barrier.on === on);
  if (found === undefined) throw new Error(`no barrier ${what} on ${on}`);
  return found;
}

describe('run without a file', { ...needs(root), timeout: patient(120_000) }, () => {
  it('has 20 barriers to try, or more', () => {
    expect(brokenBarriers.length).toBeGreaterThanOrEqual(20);
  });

  it.each(
    chosen.map((choice, at) => ({ name: choice.join(' on a host: '), barrier: barrierOf(choice), seed: at + 1 })),
  )('finds a broken barrier, names it and what ends it: $name', async ({ barrier, seed }) => {
    expect(await tryBarrier(barrier, guests, seed)).toEqual([]);
  });

  it('holds where every guest is isolated, and exposes nothing', async () => {
    const { status, result } = await runWhole(guests, soundHosts.isolated(guests));
    expect([status, result.verdict, result.steps.flatMap(({ exposures = [] }) => exposures)]).toEqual([0, 'holds', []]);
  });
});
