// For programs of tests that run a scenario of their own in a lab of the built program
import { readFileSync } from 'node:fs';
import { asUser } from '../../../build/system/kernel/thread-user.js';
import { insideLab, launchInside, statusOf } from '../../../build/system/fabric/lab/launch.js';

/**
 * Starts this program again inside a lab and ends with its status, 70 where it could not be started. There `act` gets
 * the program's arguments.
 */
export async function inLab(act) {
  const args = process.argv.slice(2);
  if (insideLab()) return act(args);
  process.exitCode = 70;
  try {
    process.exitCode = (await launchInside(args)).status;
  } catch (error) {
    process.stderr.write(`${error.message}\n${error.hint ?? error.stack}\n`);
    process.exitCode = error.exitCode ?? 70;
  }
}

/**
 * Enters the lab that this program was started in. What it gives runs a scenario there, with libpcap; of the options
 * `outDir` and `runId` have to be given, `alter` and others may.
 */
export async function enterForRuns() {
  const [{ enterLab }, { runScenario }] = await Promise.all([
    import('../../../build/system/fabric/lab/enter.js'),
    import('../../../build/run/run.js'),
  ]);
  const inside = enterLab((signal) => process.exit(statusOf(signal)));
  return (scenario, options) =>
    runScenario(scenario, {
      inside,
      engine: 'libpcap',
      toolVersion: 'test',
      onProgress: () => undefined,
      signal: new AbortController().signal,
      ...options,
    });
}

/** Signals a helper of a lab: it may be another user's, and root of a lab has no CAP_KILL. */
export function signalHelper(pid, signal) {
  const [, uid] = /^Uid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  asUser(Number(uid), () => process.kill(pid, signal));
}
