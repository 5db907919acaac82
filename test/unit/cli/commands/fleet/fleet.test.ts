import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hostFolders } from '../../../../../src/system/evidence/folder/host-folders.js';
import { readHost } from '../../../../../src/cli/commands/fleet/read-host.js';
import type { FleetReport } from '../../../../../src/core/model/fleet.js';
import { fleetReporters } from '../../../../../src/report/fleet/reporters.js';
import { callHere } from '../../../../support/call-here.js';
import { wholeFolder } from '../../../../support/whole-folder.js';
import { scratchFolder } from '../../../../support/scratch.js';

const top = scratchFolder('fleet');
const whole = join(top, 'whole');
const broken = join(top, 'broken');
const fleet = join(top, 'fleet');

/** A host's folder as contrib/ansible brings it back. */
function host(name: string, evidence: string | null, run = 0, unreachable: string | null = null): string {
  const dir = join(fleet, name);
  mkdirSync(dir, { recursive: true });
  if (evidence !== null) cpSync(evidence, join(dir, 'run'), { recursive: true });
  writeFileSync(
    join(dir, 'host.json'),
    JSON.stringify({
      schemaVersion: 1,
      unreachable,
      commands: unreachable === null ? [{ name: 'run', status: run, text: '' }] : [],
    }),
  );
  return join(dir, 'run');
}

/** A run with a leak that nobody expected: the recorded demonstration with its expectation taken back. */
async function makeBroken(): Promise<void> {
  await wholeFolder('hub-mode', broken);
  const plan = readFileSync(join(broken, 'plan.json'), 'utf8').replaceAll(
    '"expected": "broken"',
    '"expected": "holds"',
  );
  writeFileSync(join(broken, 'plan.json'), plan);
  for (const file of ['result.json', 'SHA256SUMS']) rmSync(join(broken, file));
  const { writeJson } = await import('../../../../../src/system/evidence/folder/folder.js');
  const { replayFolder } = await import('../../../../../src/system/evidence/replay.js');
  const { writeSums } = await import('../../../../../src/system/evidence/folder/hash.js');
  await writeJson(broken, 'result.json', await replayFolder(broken));
  await writeSums(broken);
}

async function run(...args: readonly string[]): Promise<{ readonly status: number; readonly report: FleetReport }> {
  const { status, stdout } = await callHere('fleet', ...args, '--json');
  return { status, report: JSON.parse(stdout) as FleetReport };
}

beforeAll(async () => {
  await wholeFolder('switch-mode', whole);
  await makeBroken();
});
beforeEach(() => rmSync(fleet, { recursive: true, force: true }));

describe('fleet', () => {
  it('is green where every host is, and says each by name', async () => {
    host('hv1', whole);
    host('hv2', whole);
    const { status, report } = await run(fleet);
    expect(
      report.hosts.map(({ host: name, status: exitStatus, problems }) => ({ name, own: exitStatus, problems })),
    ).toEqual([
      { name: 'hv1', own: 0, problems: [] },
      { name: 'hv2', own: 0, problems: [] },
    ]);
    expect(status).toBe(0);
  });

  it('takes the first of 2, 70, 69, 3, 4, 0 that applies', async () => {
    host('ok', whole);
    const statuses: number[] = [];
    for (const [name, evidence, status] of [
      ['four', whole, 4],
      ['three', whole, 3],
      ['lacks', null, 69],
      ['fault', whole, 70],
      ['leak', broken, 2],
    ] as const) {
      host(name, evidence, status);
      statuses.push((await run(fleet)).report.exitCode);
    }
    expect(statuses).toEqual([4, 3, 69, 70, 2]);
  });

  const harms: Readonly<Record<string, readonly [harm: (dir: string) => void, says: RegExp]>> = {
    'the whole evidence missing': [(dir) => rmSync(dir, { recursive: true }), /no evidence of a run/],
    'a capture that was changed': [
      (dir) =>
        writeFileSync(
          join(dir, 'evidence.pcapng'),
          Buffer.concat([readFileSync(join(dir, 'evidence.pcapng')), Buffer.alloc(16)]),
        ),
      /evidence\.pcapng/,
    ],
    'a capture that is missing': [(dir) => rmSync(join(dir, 'evidence.pcapng')), /evidence\.pcapng/],
    'a key that was lost': [
      (dir) =>
        writeFileSync(
          join(dir, 'run.json'),
          readFileSync(join(dir, 'run.json'), 'utf8').replace(/"key": "[0-9a-f]+"/, '"key": null'),
        ),
      /the key was lost/,
    ],
    'a run.json that is none': [(dir) => writeFileSync(join(dir, 'run.json'), '{'), /run\.json/],
    'a plan cut short': [
      (dir) => writeFileSync(join(dir, 'plan.json'), readFileSync(join(dir, 'plan.json'), 'utf8').slice(0, 1000)),
      /plan\.json/,
    ],
    'a verdict that somebody wrote': [
      (dir) =>
        writeFileSync(
          join(dir, 'result.json'),
          readFileSync(join(dir, 'result.json'), 'utf8').replace('"asExpected": true', '"asExpected":  true'),
        ),
      /result\.json/,
    ],
    'nothing but its state': [
      (dir) =>
        ['run.json', 'plan.json', 'timeline.ndjson', 'evidence.pcapng', 'result.json'].forEach((name) =>
          rmSync(join(dir, name)),
        ),
      /run\.json/,
    ],
  };
  it.each(Object.entries(harms))('is never green with %s, and says at which host', async (_name, [harm, says]) => {
    host('good', whole);
    harm(host('bad', whole));
    const hosts = await Promise.all((await hostFolders([fleet])).map((each) => readHost(each)));
    const [bad, good] = [hosts.find((host) => host.host === 'bad'), hosts.find((host) => host.host === 'good')];
    expect({ bad: bad?.status, good: good?.status }).toEqual({ bad: 3, good: 0 });
    expect(bad?.problems.join('\n')).toMatch(says);
  });

  it('keeps a leak broken whatever else is wrong with the evidence', async () => {
    rmSync(join(host('hv1', broken, 2), 'SHA256SUMS'));
    const [hv1] = await Promise.all((await hostFolders([fleet])).map((each) => readHost(each)));
    expect({
      status: hv1?.status,
      leaks: hv1?.runs.flatMap(({ leaks }) => leaks).length,
      problems: hv1?.problems.length,
    }).toMatchObject({ status: 2, problems: 1 });
    expect(hv1?.runs[0]?.leaks.join('\n')).toMatch(/overheard by kali3/);
  });

  it('does not forget a host of which nothing came back, nor one that was not reached', async () => {
    host('hv1', whole);
    host('hv2', null, 0, 'Connection timed out');
    writeFileSync(join(fleet, 'hosts'), 'hv1\nhv2\nhv3\n');
    const { status, report } = await run(fleet);
    expect(status).toBe(3);
    expect(report.hosts.map(({ host: name, problems }) => [name, problems.join()])).toEqual([
      ['hv1', ''],
      ['hv2', 'unreachable: Connection timed out'],
      ['hv3', 'nothing came back from it'],
    ]);
  });

  /** Reads so many hosts, of which one is broken. */
  async function readMany(count: number): Promise<void> {
    const worst = Math.floor((2 * count) / 3);
    const nameOf = (at: number): string => `hv${String(at).padStart(3, '0')}`;
    for (let at = 0; at < count; at += 1) host(nameOf(at), at === worst ? broken : whole, at === worst ? 2 : 0);
    const { status, report } = await run(fleet);
    expect({ status, counts: report.counts }).toEqual({
      status: 2,
      counts: { asExpected: count - 1, broken: 1, faulty: 0, inconclusive: 0, unexpected: 0 },
    });
    expect(report.hosts.filter((host) => host.status === 2).map(({ host: name }) => name)).toEqual([nameOf(worst)]);
  }

  it('reads more hosts than it reads at a time', () => readMany(6));
  it('reads ten times as many hosts as it reads at a time', { tags: 'all' }, () => readMany(40));

  it('escapes what a host wrote in every view', () => {
    const evil = '<b>\u001b[31m|`x`';
    const report: FleetReport = {
      schemaVersion: 1,
      exitCode: 3,
      counts: { asExpected: 0, broken: 0, faulty: 0, inconclusive: 1, unexpected: 0 },
      hosts: [{ host: evil, dir: 'x', status: 3, problems: [evil], commands: [], runs: [] }],
    };
    for (const name of ['terminal', 'markdown', 'html'] as const) {
      const text = fleetReporters[name](report, { width: 80, color: false });
      expect(text).not.toContain('\u001b');
      if (name !== 'terminal') expect(text).not.toContain('<b>');
    }
  });

  it('writes a page and a terminal report in one go, and refuses two for stdout', async () => {
    host('hv1', broken, 2);
    const page = join(top, 'fleet.html');
    const { status, stdout } = await callHere('fleet', fleet, '--reporter', `html=${page}`, '--reporter', 'markdown');
    expect(status).toBe(2);
    expect(stdout).toContain('## BROKEN: of 1 host 1 is broken');
    expect(readFileSync(page, 'utf8')).toContain('overheard by kali3');
    expect((await callHere('fleet', fleet, '--json', '--reporter', 'markdown')).status).toBe(64);
    expect((await callHere('fleet', join(top, 'none'))).status).toBe(64);
  });
});
