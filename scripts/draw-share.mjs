// The share of `npm run test:all` that `run-tests.mjs share` makes: pure, so that a test can hold it.
import { createHash } from 'node:crypto';

/** Minutes that a file adds to a run with two processors, unless it is named below. */
const minutesOfFile = 0.2;

/** The long ones, and the runs that take what has to be prepared; estimates, to be kept near what whole runs print. */
const minutesOf = {
  'test/lab/sabotage/sabotage.test.ts': 4,
  'test/system/adversary/adversary.test.ts': 4,
  'test/lab/soak/strikes.test.ts': 4,
  'test/system/zoo/kvm.test.ts': 3,
  'test/system/zoo/managers.test.ts': 3,
  'test/system/zoo/open-vswitch.test.ts': 3,
  'second kernel': 6,
  'virtual machines': 4,
  'what users install': 5,
  'unprivileged user': 4,
  'thousand cases': 4,
};

/** A file or a run of `npm run test:all`, with its minutes. */
export const candidate = (name) => ({ name, minutes: minutesOf[name] ?? minutesOfFile });

/**
 * Names of candidates that together take no longer than the budget. Their order comes from the seed and their names
 * alone, and the draw from nothing else, so that a seed draws the same on every machine; each that fits is the first for
 * some seed.
 */
export function drawShare(candidates, seed, budgetMinutes) {
  const place = ({ name }) => createHash('sha256').update(`${seed} ${name}`).digest('hex');
  const drawn = [];
  let left = budgetMinutes;
  for (const { name, minutes } of [...candidates].sort((a, b) => (place(a) < place(b) ? -1 : 1))) {
    if (minutes > left) continue;
    drawn.push(name);
    left -= minutes;
  }
  return drawn;
}
