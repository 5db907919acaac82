import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { VerifyError } from '../../../src/core/model/verify-error.js';
import { whileStarting, workOf } from '../../../src/system/process/helper-process.js';
import { patient } from '../../support/patient.js';

/** Whether a process whose start lasts longer than it may do nothing is waited for: `true`, or why not. */
async function waitedFor(script: string, more: { readonly maxMs?: number } = {}): Promise<string | true> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await whileStarting(once(child.stdout, 'data'), {
      pid: child.pid ?? 0,
      idleMs: patient(600),
      maxMs: patient(20_000),
      ...more,
    });
    return true;
  } catch (error) {
    return error instanceof VerifyError ? error.message : String(error);
  } finally {
    child.kill('SIGKILL');
  }
}

const busy = (ms: number): string => `const end = Date.now() + ${ms}; while (Date.now() < end); `;
const say = "process.stdout.write('ready'); setInterval(() => undefined, 1000);";

describe('a process that starts', () => {
  it.concurrent(
    'is waited for while it works, however long that takes',
    async () => {
      expect(await waitedFor(`${busy(patient(2500))}${say}`)).toBe(true);
    },
    patient(120_000),
  );

  it.concurrent(
    'is not waited for once it does nothing',
    async () => {
      expect(await waitedFor(`setTimeout(() => { ${say} }, ${patient(15_000)})`)).toMatch(
        /^it has not said "ready" within \d+ ms, and has done nothing for \d+ ms$/,
      );
    },
    patient(120_000),
  );

  it.concurrent(
    'is not waited for without end',
    async () => {
      expect(await waitedFor(`${busy(patient(15_000))}${say}`, { maxMs: patient(1500) })).toMatch(
        /^it has not said "ready" within \d+ ms$/,
      );
    },
    patient(120_000),
  );

  it('that is gone has done nothing that could be told', async () => {
    const child = spawn(process.execPath, ['--eval', '']);
    await once(child, 'exit');
    expect([workOf(child.pid ?? 0), workOf(process.pid)?.waits]).toEqual([null, true]);
  });
});
