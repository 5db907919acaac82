import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CalibrationRecord } from '../core/model/run-record.js';
import { VerifyError } from '../core/model/verify-error.js';
import { fieldsOf, objectsOf } from '../core/text/json-text.js';
import { launchInside, type LaunchOutcome } from '../system/fabric/lab/launch.js';
import { packagePath } from '../system/process/package-path.js';

const program = packagePath('dist/cli.cjs');

const guest = (number: number): string => `bridge: br0, port: vnet${number}, mac: "02:76:69:00:00:0${number + 1}"`;

/** Its guests have nothing to hide. */
const plantedLeak = `version: 1
name: calibration
topology:
  provider: lab
  bridges: { br0: { ageing_time: 0 } }
  endpoints: { a: { ${guest(0)} }, b: { ${guest(1)} }, c: { ${guest(2)} } }
steps:
  - { name: planted, probe: { class: known-unicast, from: a, to: b, count: 20 }, expect: leak }
`;

/** Takes 1.5 s on two cores, over a minute on an emulated processor. */
const timeoutMs = 300_000;

/**
 * Finds a planted leak in a lab on this kernel, with the run's engine. `outDir` keeps the lab's evidence meanwhile.
 * Rejects with VerifyError `calibration-failed`: 69 = no lab, 3 = leak not seen.
 */
export async function calibrate(engine: 'libpcap' | 'cap', outDir: string): Promise<CalibrationRecord> {
  const dir = join(outDir, 'calibration');
  const began = performance.now();
  const at = new Date().toISOString();
  try {
    mkdirSync(dir, { mode: 0o700 });
    writeFileSync(join(dir, 'planted.yml'), plantedLeak);
    const { status, stdout, stderr } = await launchLab(dir, engine);
    if (status === 69) throw noLab(stderr.trim());
    const frames = countSeen(stdout);
    if (status === 0 && frames !== null && frames.sent > 0 && frames.seen === frames.sent)
      return { at, durationMs: Math.round(performance.now() - began), engine, planted: frames.sent, seen: frames.seen };
    throw new VerifyError(
      'calibration-failed',
      3,
      `a leak planted in a lab on this kernel was not seen whole (${outcomeText(frames, status, stderr, performance.now() - began)})`,
      'an engine that misses it would miss leaks here too; try the other --engine. Nothing was sent',
    );
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function outcomeText(frames: ReturnType<typeof countSeen>, status: number, stderr: string, tookMs: number): string {
  if (frames !== null) return `${frames.seen} of ${frames.sent} frames were seen`;
  return tookMs >= timeoutMs ? `it took more than ${timeoutMs / 1000} s` : `exit status ${status}: ${stderr.trim()}`;
}

/** The folder's path may be this process's alone. */
async function launchLab(cwd: string, engine: string): Promise<LaunchOutcome> {
  try {
    const paths = { evidence: cwd, reports: [], key: null };
    const words = ['run', 'planted.yml', '--out', 'evidence', '--json', '--quiet', '--engine', engine];
    return await launchInside(words, { program, cwd, paths, keptFor: timeoutMs });
  } catch (error) {
    if (!(error instanceof VerifyError) || error.exitCode !== 69) throw error;
    throw noLab(error.message);
  }
}

function noLab(why: string): VerifyError {
  return new VerifyError(
    'calibration-failed',
    69,
    `no leak can be planted here: ${why}`,
    'a run on a host builds a small lab before it sends anything; nothing was sent',
  );
}

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
