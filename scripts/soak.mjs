// `npm run soak WHAT`: what takes too long for `npm test`. Its figures stand in bench/RESULTS.md.
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('..', import.meta.url));
const vitest = (env, ...args) => ({ argv: ['node_modules/vitest/vitest.mjs', 'run', ...args], env });
const soaks = {
  /** A watch under a million link events: `npm run soak watch [EVENTS]`. */
  watch: (count) => ({ argv: ['scripts/soak/watch.mjs', ...(count === undefined ? [] : [count])], env: {} }),
  /**
   * Every barrier of a host broken, one at a time, at a guest that a seed draws, and sound hosts: `npm run soak host
   * [SEED]`. HOST_GUESTS=12: so many guests instead of 50; HOST_TIMES=20: each sound host so many times; HOST_ONLY=TEXT|TEXT:
   * what has such a text in its name.
   */
  host: (seed = '1') =>
    vitest(
      { HOST_SEED: seed },
      '--config',
      'vitest.soak.config.ts',
      'test/lab/soak/host.soak.ts',
      '--disable-console-intercept',
    ),
  /** Runs that are killed at random moments: `npm run soak kills [RUNS]`. */
  kills: (count) => vitest({ SOAK_RUNS: count ?? '200' }, '--config', 'vitest.soak.config.ts', 'test/lab/soak/kills'),
  /** Runs that are killed, stopped, lose a port or their bridge, in each phase: `npm run soak strikes [RUNS] [SEED]`. */
  strikes: (count = '300', seed) =>
    vitest(
      { SOAK_RUNS: count, SOAK_MINUTES: '600', ...(seed === undefined ? {} : { SOAK_SEED: seed }) },
      '--project',
      'lab',
      'test/lab/soak/strikes.test.ts',
      '--disable-console-intercept',
    ),
  /**
   * Everything that can be broken, of every shipped scenario: `npm run soak sabotage`, or a part of it, `npm run soak
   * sabotage 1/8`, with every eighth scenario.
   */
  sabotage: (part = '1/1') =>
    vitest(
      { VERIFY_ISOLATION_SOAK: part },
      'test/lab/sabotage',
      ...(part.startsWith('1/') ? ['test/lab/scenarios/attacks.test.ts'] : []),
    ),
  /**
   * Leaks composed at random, and hosts that are sound: `npm run soak adversary CASES [SEED]`; under another kernel,
   * which has what others lack: `npm run soak adversary CASES SEED uml` (User-mode Linux) or `vm` (Debian's cloud kernel
   * in a QEMU guest). ADVERSARY_TIMES=20: each sound host so many times; 0: none. ADVERSARY_ONLY: cases with that text in
   * their names; `sound:TEXT`: sound hosts. ADVERSARY_MINUTES: no case begins later, no sound host after twice as many.
   * ADVERSARY_TRACE=auto: with the trace of the kernel. VM_MINUTES=45 bounds the QEMU guest.
   */
  adversary: (count, seed, where) => {
    const env = {
      ...(count === undefined ? {} : { ADVERSARY_CASES: count }),
      ...(seed === undefined ? {} : { ADVERSARY_SEED: seed }),
    };
    const args = [
      '--config',
      'vitest.soak.config.ts',
      'test/system/adversary/adversary.soak.ts',
      '--disable-console-intercept',
    ];
    if (where === undefined) return vitest(env, ...args);
    const kept = mkdtempSync(join(tmpdir(), `adversary-${where}-`));
    console.log(`what the cases leave: ${kept}, when all are done`);
    if (where === 'uml') return { argv: ['scripts/test-uml.mjs', ...args], env: { ...env, ADVERSARY_KEEP: kept } };
    return { argv: ['scripts/test-cloud.mjs', ...args], env: { ...env, VM_KEEP: kept } };
  },
};

const [what = '', ...words] = process.argv.slice(2);
const soak = soaks[what];
if (soak === undefined) {
  console.error(`npm run soak WHAT [COUNT or PART]: ${Object.keys(soaks).join(', ')}`);
  process.exit(64);
}
const { argv, env } = soak(...words);
process.exitCode =
  spawnSync(process.execPath, argv, {
    cwd: top,
    stdio: 'inherit',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, ...env },
  }).status ?? 1;
