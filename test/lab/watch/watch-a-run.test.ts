import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import type { AuditReport } from '../../../src/core/model/audit.js';
import type { Result } from '../../../src/core/model/result.js';
import { top } from '../../support/lab/throw-away.js';
import { drift, type Said } from './watching.js';
import { needs, root } from '../../support/needs.js';

const scratch = mkdtempSync(join(tmpdir(), 'watch-a-run-'));
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) if (child.exitCode === null) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true });
});

function program(...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, ['dist/cli.cjs', ...args], { cwd: top, stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  return child;
}

function descendants(pid: number): readonly number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  );
  return children.flatMap((child) => [child, ...descendants(child)]);
}

/** The namespace of the lab that a run builds: that of its first descendant that is in another one. */
async function labNamespace(run: ChildProcess): Promise<string> {
  const home = readlinkSync('/proc/self/ns/net');
  for (let tries = 0; tries < 300; tries += 1) {
    try {
      const inside = descendants(run.pid ?? 0).find(
        (pid) =>
          readlinkSync(`/proc/${pid}/ns/net`) !== home &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('cli.cjs') &&
          readFileSync(`/proc/${pid}/net/dev`, 'utf8').includes('br0'),
      );
      if (inside !== undefined) return `/proc/${inside}/ns/net`;
    } catch {
      // a process ended while it was looked at
    }
    await sleep(20);
  }
  throw new Error('the run built no lab');
}

// setns into a namespace of another user namespace takes CAP_SYS_ADMIN: an ordinary user cannot look into the lab from
// outside.
it(
  'a bridge that turns promiscuous in the middle of a run is reported with the process, explained by the audit, proved by the probes, and its mending is reported',
  needs(root),
  async () => {
    const dir = join(scratch, 'evidence');
    const run = program('run', 'scenarios/bridge-turned-promiscuous.yml', '--quiet', '--json', '--out', dir);
    let text = '';
    run.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    const ended = new Promise<number | null>((resolve) => run.once('close', resolve));
    const netns = await labNamespace(run);

    const watch = program('watch', '--netns', netns, '--bridge', 'br0', '--json');
    const said: Said[] = [];
    let audited: AuditReport | null = null;
    let rest = '';
    watch.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      said.push(...lines.map((line): Said => JSON.parse(line)));
      if (audited !== null || !said.some(drift('bridge-promiscuous'))) return;
      const { stdout } = spawnSync(process.execPath, ['dist/cli.cjs', 'audit', '--netns', netns, '--json'], {
        cwd: top,
        encoding: 'utf8',
      });
      audited = JSON.parse(stdout);
    });
    expect(await ended).toBe(0);
    watch.kill();
    const result: Result = JSON.parse(text);

    const promiscuous = said.find(drift('bridge-promiscuous'));
    expect(promiscuous?.['after']).toMatch(/held by verify-isolation relay \(\d+\)/);
    expect(audited).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({
          id: 'bridge-promiscuous',
          probe: 'known-unicast',
          fix: expect.stringContaining('flood off'),
        }),
      ]),
    });
    expect(result.steps.map(({ verdict }) => verdict)).toEqual(['holds', 'broken', 'holds']);
    for (const port of ['vnet0', 'vnet4'])
      expect(said.find(drift('setting-changed', `${port}.flood`))).toMatchObject({ before: 'true', after: 'false' });
    // The run's own captures in that very namespace raise no alarm: the relay is the only one that listens.
    expect(
      said.filter(
        ({ code, after }) =>
          (code === 'sniffer-appeared' || code === 'port-promiscuous') && !String(after).includes('relay'),
      ),
    ).toEqual([]);

    const timeline = readFileSync(join(dir, 'timeline.ndjson'), 'utf8')
      .trim()
      .split('\n')
      .map((line): Readonly<Record<string, unknown>> => JSON.parse(line));
    const startedAt =
      timeline
        .filter(({ event, step }) => event === 'changed' && step === 1)
        .map(({ atNs }) => Number(BigInt(String(atNs)) / 1_000_000n))
        .at(-1) ?? 0;
    const lateMs = Date.parse(String(promiscuous?.['at'])) - startedAt;
    console.info(`bridge-promiscuous was reported ${lateMs} ms after the relay had been started`);
    expect(lateMs).toBeLessThan(3000);
  },
);
