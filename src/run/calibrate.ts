import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CalibrationRecord } from '../core/model/provenance.js';
import { VerifyError } from '../core/model/verify-error.js';
import { fieldsOf, objectsOf } from '../core/text/json-text.js';
import { packagePath } from '../system/process/package-path.js';
import { runProgram } from '../system/process/programs.js';

const program = packagePath('dist/cli.cjs');

/** A hub: what `a` sends to `b` is what `c` must overhear. */
const plantedLeak = `version: 1
name: calibration
topology:
  provider: lab
  bridges: { br0: { ageing_time: 0 } }
  endpoints:
    a: { bridge: br0, port: vnet0 }
    b: { bridge: br0, port: vnet1 }
    c: { bridge: br0, port: vnet2 }
steps:
  - { name: planted, probe: { class: known-unicast, from: a, to: b, count: 20 }, expect: leak }
`;
/** It takes a second and a half on two cores. */
const timeoutMs = 60_000;

/**
 * Lets this program find a leak that was planted in a lab of its own on this kernel, with the engine that the run will
 * have: an instrument that does not see it measures nothing. `outDir`: the run's own folder, in which the lab's
 * evidence is kept meanwhile. Rejects with VerifyError: 69 where the lab cannot be built, 3 `calibration-failed` where
 * the leak was not seen.
 */
export async function calibrate(engine: 'libpcap' | 'cap', outDir: string): Promise<CalibrationRecord> {
  const dir = join(outDir, 'calibration');
  const began = performance.now();
  const at = new Date().toISOString();
  try {
    mkdirSync(dir, { mode: 0o700 });
    const file = 'calibration.yml';
    writeFileSync(join(dir, file), plantedLeak);
    // From inside the folder: its path may be this process's alone.
    const { status, stdout, stderr } = await runProgram(
      [process.execPath, program, 'run', file, '--json', '--quiet', '--engine', engine, '--out', 'evidence'],
      { timeoutMs, cwd: dir },
    );
    if (status === 69)
      throw new VerifyError(
        'calibration-failed',
        69,
        `no leak can be planted here: ${stderr.trim()}`,
        'a run on a host builds a small lab before it sends anything; nothing was sent',
      );
    const seen = countSeen(stdout);
    if (status === 0 && seen !== null && seen.sent > 0 && seen.seen === seen.sent)
      return { at, durationMs: Math.round(performance.now() - began), engine, planted: seen.sent, seen: seen.seen };
    const found =
      seen === null
        ? `exit status ${status ?? 'none'}: ${stderr.trim()}`
        : `${seen.seen} of ${seen.sent} frames were seen`;
    throw new VerifyError(
      'calibration-failed',
      3,
      `a leak planted in a lab on this kernel was not seen whole (${found})`,
      'what does not see it would see no leak here either; try the other --engine. Nothing was sent',
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** What `c` saw of what was sent, from the result as JSON; null = there is no such result. */
function countSeen(json: string): { readonly sent: number; readonly seen: number } | null {
  let result: unknown;
  try {
    result = JSON.parse(json);
  } catch {
    return null;
  }
  const rows = objectsOf(fieldsOf(result)?.['steps'])
    .flatMap((step) => objectsOf(step['findings']))
    .filter((row) => row['observer'] === 'c' && row['leak'] === true);
  const sum = (key: string): number =>
    rows.reduce((total, row) => total + (typeof row[key] === 'number' ? row[key] : 0), 0);
  return { sent: sum('sent'), seen: sum('seen') };
}
