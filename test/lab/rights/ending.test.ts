import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConfinedProcess, startConfined } from '../../../src/system/process/confined-process.js';
import { fresh, removeScratch, threeOn } from '../../support/lab/program.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const hanging = join(import.meta.dirname, 'hang-capture.mjs');
const holder = join(import.meta.dirname, 'hold-confined.mjs');
const tasks = ['judge', 'parse'] as const;

/** A field of /proc/PID/status; null = there is no such process. */
function statusOf(pid: number, field: string): string | null {
  try {
    return new RegExp(`^${field}:\\s*(\\S+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? null;
  } catch {
    return null;
  }
}
/** Whether it has ended; whoever started it may not have been told yet. */
const isOver = (pid: number): boolean => [null, 'Z'].includes(statusOf(pid, 'State'));
/** It has a filter more than the process that started it. */
const isConfined = (pid: number): boolean =>
  Number(statusOf(pid, 'Seccomp_filters')) > Number(statusOf(Number(statusOf(pid, 'PPid')), 'Seccomp_filters'));

describe('a process that reads what others wrote', needs(root), () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'confined-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const start = (task: (typeof tasks)[number]): ConfinedProcess => startConfined(task, task === 'judge' ? dir : null);
  const over = (pid: number): Promise<unknown> =>
    expect.poll(() => isOver(pid), { timeout: patient(10_000), interval: 20 }).toBe(true);
  const confined = (pid: number): Promise<unknown> =>
    expect.poll(() => isConfined(pid), { timeout: patient(20_000), interval: 20 }).toBe(true);

  it.each(tasks)('to %s it ends with its stdin, before it has shut itself in and after', async (task) => {
    const early = start(task);
    early.end();
    await over(early.pid);
    const late = start(task);
    await confined(late.pid);
    late.end();
    await over(late.pid);
  });

  it.each(tasks)('to %s it ends with who started it, who is killed, though it hears of nothing', async (task) => {
    const parent = spawn(process.execPath, [holder, task, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [said] = await once(parent.stdout, 'data');
    const pid = Number(String(said));
    await confined(pid);
    process.kill(pid, 'SIGSTOP'); // it sees no end of its stdin
    parent.kill('SIGKILL');
    await over(pid);
  });

  it.each(tasks)('to %s it is ended where it does not end by itself when its work is done', async (task) => {
    const stuck = start(task);
    await confined(stuck.pid);
    process.kill(stuck.pid, 'SIGSTOP');
    stuck.end();
    await over(stuck.pid);
    await expect(stuck.ask({})).rejects.toMatchObject({ code: 'helper-died', exitCode: 3 });
  });

  it('that is asked and does nothing, since it was stopped, is ended, and that is the answer', async () => {
    const stopped = startConfined('parse', null, 300);
    await confined(stopped.pid);
    process.kill(stopped.pid, 'SIGSTOP');
    await expect(stopped.ask({})).rejects.toMatchObject({
      code: 'helper-died',
      exitCode: 3,
      message: expect.stringContaining('it has done nothing for 300 ms'),
    });
    await over(stopped.pid);
  });
});

describe('a helper that hangs when its capture is over', needs(root), () => {
  afterAll(removeScratch);
  const file = threeOn(
    '{ ageing_time: 30s }',
    '  - { name: s, probe: [ { class: known-unicast, from: a, to: b, count: 2 } ], expect: private }',
  );

  it('is killed, and the run ends by itself', { timeout: patient(300_000) }, () => {
    const { stdout, stderr } = spawnSync(process.execPath, [hanging, file, fresh('hang')], {
      encoding: 'utf8',
      timeout: patient(50_000),
    });
    const said = JSON.parse(stdout === '' ? JSON.stringify({ stderr }) : stdout);
    expect(said).toMatchObject({ verdict: 'holds', alive: [] });
    expect(said.hung).toHaveLength(1);
  });
});
