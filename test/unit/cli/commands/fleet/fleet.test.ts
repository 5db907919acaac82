import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hostFolders } from '../../../../../src/system/evidence/folder/host-folders.js';
import { readHost } from '../../../../../src/cli/commands/fleet/read-host.js';
import type { FleetHost, FleetReport } from '../../../../../src/core/model/fleet.js';
import { fleetGroups } from '../../../../../src/report/fleet/groups.js';
import { fleetReporters } from '../../../../../src/report/fleet/reporters.js';
import { callHere } from '../../../../support/call-here.js';
import { wholeFolder } from '../../../../support/whole-folder.js';
import { makeBroken } from './make-broken.js';
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

async function run(...args: readonly string[]): Promise<{ readonly status: number; readonly report: FleetReport }> {
  const { status, stdout } = await callHere('fleet', ...args, '--json');
  return { status, report: JSON.parse(stdout) as FleetReport };
}

beforeAll(async () => {
  await wholeFolder('switch-mode', whole);
  await makeBroken(broken);
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
      at: '2026-11-30T00:00:00Z',
      groups: [{ kind: 'problem', code: evil, hosts: [evil] }],
      signersChecked: false,
      since: { at: evil, changes: [{ host: evil, text: evil }] },
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

describe('the report of a fleet', () => {
  const exposedRun = async (): Promise<FleetHost> => {
    host('hv1', broken, 2);
    const [hv1] = await Promise.all((await hostFolders([fleet])).map((each) => readHost(each)));
    if (hv1 === undefined) throw new Error('no host');
    return {
      ...hv1,
      host: 'hv2',
      status: 0,
      runs: hv1.runs.map((each) => ({
        ...each,
        exitCode: 0,
        verdict: 'holds',
        causes: [],
        leaks: [],
        exposed: [{ code: 'unknown-flood', count: 18 }],
      })),
    };
  };
  const reportOf = (hosts: readonly FleetHost[]): FleetReport => ({
    schemaVersion: 1,
    at: '2026-11-30T00:00:00Z',
    exitCode: 0,
    counts: { asExpected: hosts.length, broken: 0, faulty: 0, inconclusive: 0, unexpected: 0 },
    signersChecked: true,
    groups: fleetGroups(hosts),
    since: null,
    hosts,
  });

  it.each(['terminal', 'markdown', 'html'] as const)('says EXPOSED and its cause: %s', async (name) => {
    const text = fleetReporters[name](reportOf([await exposedRun()]), { width: 100, color: false });
    expect(text).toContain('HOLDS, EXPOSED');
    expect(text).toMatch(/unknown-flood (\(|&#40;)18 rows/);
    expect(text).toContain('1 of these is EXPOSED');
  });

  it('ends with the answer, and begins with it', async () => {
    host('hv1', whole);
    host('hv2', broken, 2);
    const { stdout } = await callHere('fleet', fleet, '--quiet');
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toBe('BROKEN  of 2 hosts 1 is broken, 1 is as expected');
    expect(lines.at(-1)).toBe('BROKEN: of 2 hosts 1 is broken, 1 is as expected');
  });

  it('prints what commands said in several lines in one, without an escaped line end', async () => {
    host('hv1', null, 69);
    const record = join(fleet, 'hv1', 'host.json');
    writeFileSync(
      record,
      readFileSync(record, 'utf8').replace('"text":""', String.raw`"text":"first\nsecond\r\n third"`),
    );
    const { stdout } = await callHere('fleet', fleet, '--quiet');
    expect(stdout).toContain('run ended with status 69: first · second · third');
    expect(stdout).not.toContain(String.raw`\u{a}`);
  });

  it('groups hosts by cause, those of most hosts first, leaks before the rest', async () => {
    for (const name of ['hv1', 'hv2', 'hv3']) host(name, broken, 2);
    host('hv4', null, 0, 'timed out');
    const { report } = await run(fleet);
    expect(report.groups.map(({ kind, code, hosts }) => [kind, code, hosts.join()])).toEqual([
      ['leak', 'ageing-zero', 'hv1,hv2,hv3'],
      ['problem', 'unreachable', 'hv4'],
    ]);
  });

  it('links each run from the folder of the page', async () => {
    const page = join(fleet, 'pages', 'fleet.html');
    writeFileSync(join(host('h v1', broken, 2), 'report.html'), 'x');
    await callHere('fleet', fleet, '--quiet', '--reporter', `html=${page}`);
    expect(readFileSync(page, 'utf8')).toContain('<a href="./../h%20v1/run/report.html">');
  });

  it('has each bridge of a host that has several, by its own word', async () => {
    host('hv1', whole);
    cpSync(broken, join(fleet, 'hv1', 'second'), { recursive: true });
    const { stdout } = await callHere('fleet', fleet, '--quiet');
    expect(stdout).toMatch(/switch-mode \(HOLDS, 3 of 3 ports\), hub-mode \(BROKEN, 3 of 3 ports\)/);
  });

  it('says what changed since an earlier report', async () => {
    const before = join(top, 'before.json');
    host('hv1', whole);
    host('hv2', whole);
    host('gone', whole);
    await callHere('fleet', fleet, '--quiet', '--reporter', `json=${before}`);
    rmSync(join(fleet, 'gone'), { recursive: true });
    rmSync(join(fleet, 'hv2'), { recursive: true });
    host('hv2', broken, 2);
    host('new', whole);
    const { report } = await run(fleet, '--since', before);
    expect(report.since?.changes).toEqual([
      { host: 'hv2', text: 'HOLDS → BROKEN; leak began: ageing-zero' },
      { host: 'new', text: 'new: HOLDS' },
      { host: 'gone', text: 'no longer in the report' },
    ]);
    writeFileSync(before, '{"schemaVersion":0}');
    for (const [path, why] of [
      [join(top, 'none'), 'no such file'],
      [before, 'no report of this version'],
    ] as const) {
      const { status, stdout, stderr } = await callHere('fleet', fleet, '--json', '--quiet', '--since', path);
      expect([status, (JSON.parse(stdout) as FleetReport).since, stderr.split('\n').length]).toEqual([2, null, 2]);
      expect(stderr).toMatch(new RegExp(`--since .*${why}.*; nothing is compared`));
    }
  });
});
