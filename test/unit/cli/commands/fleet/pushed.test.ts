import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FleetReport } from '../../../../../src/core/model/fleet.js';
import { runSummary } from '../../../../../src/report/machine/summary.js';
import { parseFleetReport } from '../../../../../src/system/evidence/folder/host-folders.js';
import { signText } from '../../../../../src/system/evidence/folder/signature.js';
import { type EndedRuns, spoolSummary } from '../../../../../src/system/evidence/push.js';
import { replayFolder } from '../../../../../src/system/evidence/replay.js';
import { callHere } from '../../../../support/call-here.js';
import { scratchFolder } from '../../../../support/scratch.js';
import { wholeFolder } from '../../../../support/whole-folder.js';
import { makeBroken } from './make-broken.js';

const top = scratchFolder('pushed');
const [whole, broken, fleet] = [join(top, 'whole'), join(top, 'broken'), join(top, 'fleet')];
const [ownKey, strangersKey] = [join(top, 'key'), join(top, 'strangers-key')];

async function run(...args: readonly string[]): Promise<{ readonly status: number; readonly report: FleetReport }> {
  const { status, stdout } = await callHere('fleet', ...args, '--json');
  return { status, report: JSON.parse(stdout) as FleetReport };
}

beforeAll(async () => {
  for (const key of [ownKey, strangersKey]) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]);
  await wholeFolder('switch-mode', whole);
  await makeBroken(broken);
});
beforeEach(() => rmSync(fleet, { recursive: true, force: true }));

/** A summary as `run --push` puts it: of this host, at this time, with these runs. */
async function pushed(name: string, at: string, change: Partial<EndedRuns> = {}, key = ownKey): Promise<void> {
  const spool = join(top, 'spool');
  rmSync(spool, { recursive: true, force: true });
  await spoolSummary({ exitCode: 0, asked: '', runs: [], unended: 0, ...change }, spool, key, new Date(at));
  const [file = ''] = readdirSync(spool);
  const text = readFileSync(join(spool, file), 'utf8');
  mkdirSync(fleet, { recursive: true });
  if (name === hostname()) writeFileSync(join(fleet, file), text);
  else {
    // Signed anew under another name
    const body = text.slice(text.indexOf('{')).replace(`"host":"${hostname()}"`, `"host":"${name}"`);
    writeFileSync(
      join(fleet, `${name}-${at}.summary`),
      `${await signText(body, key, 'verify-isolation-summary')}${body}`,
    );
  }
}

describe('fleet of pushed summaries', () => {
  const now = new Date().toISOString();
  const earlier = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
  const summaryOf = async (folder: string): Promise<EndedRuns['runs'][number]> => ({
    ...runSummary(await replayFolder(folder)),
    rootHash: null,
    dir: '/var/lib/x',
  });

  it('takes the newest of each host, and names one that is silent or that nothing came back from', async () => {
    const [good, bad] = [await summaryOf(whole), await summaryOf(broken)];
    await pushed('hv1', earlier(24), { exitCode: 2, runs: [{ ...good, exitCode: 2, verdict: 'broken' }] });
    await pushed('hv1', now, { runs: [good] });
    await pushed('hv2', now, { exitCode: 2, runs: [bad] });
    await pushed('hv3', earlier(72), { runs: [good] });
    await pushed('hv4', now, { exitCode: 69, unended: 1 });
    writeFileSync(join(fleet, 'hosts'), 'hv1\nhv5\n');
    const { status, report } = await run(fleet);
    expect(status).toBe(2);
    expect(report.hosts.map(({ host: name, status: own, problems }) => [name, own, problems.length])).toEqual([
      ['hv1', 0, 0],
      ['hv2', 2, 0],
      ['hv3', 3, 1],
      ['hv4', 69, 1],
      ['hv5', 3, 1],
    ]);
    expect(report.groups[0]).toEqual({ kind: 'leak', code: 'ageing-zero', hosts: ['hv2'] });
  });

  it('believes no other signature than that of the host, and a forged newer one hides nothing', async () => {
    const good = await summaryOf(whole);
    const bad = await summaryOf(broken);
    await pushed('hv1', earlier(1), { exitCode: 2, runs: [bad] });
    await pushed('hv1', now, { runs: [{ ...good, scenario: bad.scenario }] }, strangersKey);
    const signers = join(top, 'signers');
    writeFileSync(signers, `hv1 ${readFileSync(`${ownKey}.pub`, 'utf8')}`);
    const { status, report } = await run(fleet, '--allowed-signers', signers);
    expect([status, report.hosts[0]?.runs.map(({ exitCode }) => exitCode)]).toEqual([2, [2]]);
    expect(report.hosts[0]?.problems.join()).toMatch(/signature/);
  });

  const statusAndProblems = async (): Promise<readonly unknown[]> => {
    const { status, report } = await run(fleet);
    return [status, report.hosts[0]?.problems.join()];
  };

  it('counts a leak of a run that ended before its command was stopped', async () => {
    const [good, bad] = [await summaryOf(whole), await summaryOf(broken)];
    await pushed('hv1', earlier(1), { runs: [good] });
    await pushed('hv1', now, { exitCode: 143, unended: 1, runs: [bad] });
    expect((await run(fleet)).status).toBe(2);
  });

  it('counts the leak of the last whole run where the same command was refused since', async () => {
    const [good, bad] = [await summaryOf(whole), await summaryOf(broken)];
    await pushed('hv1', earlier(48), { runs: [good] });
    await pushed('hv1', earlier(24), { exitCode: 2, runs: [bad] });
    await pushed('hv1', now, { exitCode: 69, unended: 1 });
    const { status, report } = await run(fleet);
    expect([status, report.hosts[0]?.runs.length]).toEqual([2, 1]);
  });

  it('chooses no summary from the future, which would stay the newest', async () => {
    const [good, bad] = [await summaryOf(whole), await summaryOf(broken)];
    await pushed('hv1', earlier(-1), { runs: [good] });
    await pushed('hv1', now, { exitCode: 2, runs: [bad] });
    expect(await statusAndProblems()).toEqual([2, expect.stringContaining('is in the future')]);
    rmSync(fleet, { recursive: true });
    await pushed('hv1', earlier(-1), { runs: [good] });
    expect((await run(fleet)).status).toBe(3);
  });

  it('hides nothing by another key where any key will do, and says so', async () => {
    const [good, bad] = [await summaryOf(whole), await summaryOf(broken)];
    await pushed('hv1', earlier(1), { exitCode: 2, runs: [bad] });
    await pushed('hv1', now, { runs: [good] }, strangersKey);
    expect(await statusAndProblems()).toEqual([2, expect.stringContaining('2 keys sign')]);
    await pushed('hv1', earlier(0), { runs: [good] });
    expect(await statusAndProblems()).toEqual([3, expect.stringContaining('2 keys sign')]);
    expect((await callHere('fleet', fleet, '--quiet')).stdout).toMatch(/, signers were not checked\n$/);
  });

  it('forgets a refusal once the same command has run, and none of another', async () => {
    const good = await summaryOf(whole);
    await pushed('hv1', earlier(24), { exitCode: 69, unended: 1 });
    await pushed('hv1', now, { runs: [good] });
    expect(await statusAndProblems()).toEqual([0, '']);
    await pushed('hv1', earlier(24), { exitCode: 69, unended: 1, asked: 'br1' });
    expect((await run(fleet)).status).toBe(69);
  });

  it('says that a leak stopped only where its scenario came to a verdict without a doubt', async () => {
    const good = await summaryOf(whole);
    const [leak, doubt] = [[{ code: 'flooding', count: 1 }], [{ code: 'count-gap', count: 1 }]];
    await pushed('hv1', earlier(3), { exitCode: 2, runs: [{ ...good, exitCode: 2, verdict: 'broken', causes: leak }] });
    const before = join(top, 'before.json');
    writeFileSync(before, JSON.stringify((await run(fleet)).report));
    const changeAfter = async (runs: EndedRuns['runs']): Promise<string | undefined> => {
      rmSync(fleet, { recursive: true });
      await pushed('hv1', now, { runs });
      return (await run(fleet, '--since', before)).report.since?.changes[0]?.text;
    };
    expect(await changeAfter([{ ...good, exitCode: 3, verdict: 'inconclusive', doubts: doubt }])).toContain(
      'leak not proven now: flooding; doubt began: count-gap',
    );
    expect(await changeAfter([{ ...good, scenario: 'another' }])).toContain('leak not proven now: flooding');
    expect(await changeAfter([])).toContain('leak not proven now: flooding');
    // Known from a baseline, or accepted: it still leaks
    expect(await changeAfter([{ ...good, verdict: 'broken', accepted: leak }])).toContain(
      'BROKEN → AS EXPECTED; leak not proven now: flooding',
    );
    expect(await changeAfter([{ ...good, accepted: leak }])).toContain('leak not proven now: flooding');
    expect(await changeAfter([good])).toContain('leak stopped: flooding');
  });

  it('takes nothing for a proof where no run of the earlier report has the leak', async () => {
    await pushed('hv1', earlier(3), { exitCode: 2 });
    const before = join(top, 'before.json');
    writeFileSync(before, JSON.stringify((await run(fleet)).report));
    rmSync(fleet, { recursive: true });
    await pushed('hv1', now, { runs: [await summaryOf(whole)] });
    const [change] = (await run(fleet, '--since', before)).report.since?.changes ?? [];
    expect(change?.text).toContain('leak not proven now: unexplained');
  });

  it('reads what a report of another process has of any evidence', () => {
    const odd = { id: 'x'.repeat(2000), scenario: '', startedAt: 'never', durationMs: -1 };
    const { hosts } = parseFleetReport(
      JSON.stringify({
        ...{ schemaVersion: 1, at: now },
        hosts: [
          {
            ...{ host: 'hv1', dir: '', status: 2, problems: [], commands: [] },
            runs: [
              {
                ...{ ...odd, verdict: 'broken', exitCode: 2, answer: '', observed: 0, ports: 0 },
                ...{
                  causes: [],
                  accepted: [],
                  exposed: [],
                  doubts: [],
                  dir: '',
                  rootHash: null,
                  page: null,
                  leaks: [],
                  reasons: [],
                },
              },
            ],
          },
        ],
      }),
    );
    expect(hosts[0]?.status).toBe(2);
  });

  it('is not green with a file that is no summary', async () => {
    mkdirSync(fleet, { recursive: true });
    writeFileSync(join(fleet, 'hv1.summary'), '{}');
    const { status, report } = await run(fleet);
    expect([status, report.hosts[0]?.problems.join()]).toEqual([
      3,
      expect.stringContaining('no summary of run --push'),
    ]);
  });
});
