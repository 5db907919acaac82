import { describe, expect, it } from 'vitest';
import { brokenBarriers, soundHosts } from '../../support/lab/broken-barriers.js';
import { runWhole, tryBarrier } from '../../support/lab/try-barrier.js';

const guests = Number(process.env['HOST_GUESTS'] ?? '50');
const seed = Number(process.env['HOST_SEED'] ?? '1');
/** Each sound host so many times. */
const times = Number(process.env['HOST_TIMES'] ?? '1');
/** Texts one of which is in the name, with `|` between them. */
const only = (process.env['HOST_ONLY'] ?? '').split('|');
const isMeant = (name: string): boolean => only.some((text) => name.includes(text));

describe('the default command on a host', () => {
  it.each(
    brokenBarriers.flatMap((barrier, at) =>
      isMeant(`${barrier.what} on ${barrier.on}`) ? [{ name: `${barrier.what} on ${barrier.on}`, barrier, at }] : [],
    ),
  )('says BROKEN, names the guest, the setting and a fix: $name', async ({ name, barrier, at }) => {
    const faults = await tryBarrier(barrier, guests, seed * 1000 + at);
    console.log(
      `${faults.length === 0 ? 'found' : 'MISSED'}  ${name}${faults.map((fault) => `\n  ${fault}`).join('')}`,
    );
    expect(faults).toEqual([]);
  });

  it.each(
    Object.entries(soundHosts).flatMap(([name, script]) =>
      isMeant(`sound ${name}`) ? [{ name, script: script(guests) }] : [],
    ),
  )('holds on a sound one: $name', async ({ name, script }) => {
    const statuses: unknown[] = [];
    for (let time = 0; time < times; time += 1) {
      const { status, result } = await runWhole(guests, script);
      const reasons = result.steps.flatMap((step) => step.reasons.map(({ code, text }) => `${code}: ${text}`));
      const causes = result.steps.flatMap(({ groups = [] }) => groups.map(({ cause }) => cause));
      statuses.push(status === 0 ? 0 : [status, ...causes, ...reasons.slice(0, 3)]);
    }
    console.log(`sound  ${name}: ${JSON.stringify(statuses)}`);
    expect(statuses).toEqual(Array.from({ length: times }, () => 0));
  });
});
