import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const everyMs = 100;
/**
 * Processors are idle where they do so little for so long; a machine that never is is waited for no longer than that.
 */
const idleShare = 0.95;
const quietMs = 500;
const maxMs = 10_000;

/** Jiffies of all processors: idle (with those that wait for a disk), and all. */
function jiffies() {
  const [, user, nice, system, idle, wait, hard, soft, stolen] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/\s+/)
    .map(Number);
  return { idle: idle + wait, all: user + nice + system + idle + wait + hard + soft + stolen };
}

/**
 * Resolves once the machine has nothing to do any more: a kernel takes the links of a lab away after the program that
 * made it has ended.
 */
export async function untilIdle() {
  let quiet = 0;
  for (let waited = 0; quiet < quietMs && waited < maxMs; waited += everyMs) {
    const before = jiffies();
    await sleep(everyMs);
    const after = jiffies();
    quiet = after.idle - before.idle >= idleShare * (after.all - before.all) ? quiet + everyMs : 0;
  }
}
