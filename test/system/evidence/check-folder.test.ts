import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../../src/core/model/run-record.js';
import { call, smallRun } from '../../support/lab/small-run.js';

let run = { scratch: '', dir: '' };
beforeAll(() => {
  run = smallRun();
}, 60_000);
afterAll(() => rmSync(run.scratch, { recursive: true, force: true }));

function copy(name: string): string {
  const to = join(run.scratch, name);
  cpSync(run.dir, to, { recursive: true });
  return to;
}

describe('run.json', () => {
  it('carries who, where, when, with what, by which method, how much of it, and what it does not say', () => {
    const { provenance } = JSON.parse(readFileSync(join(run.dir, 'run.json'), 'utf8')) as RunRecord;
    expect(provenance).toMatchObject({
      who: { uid: process.getuid?.(), operator: 'Ann Other', ticket: 'CHG-17' },
      where: {
        kernel: spawnSync('uname', ['-r'], { encoding: 'utf8' }).stdout.trim(),
        nftRuleset: { text: 'no rules' },
      },
      when: { steps: [{ name: 'probes' }, { name: 'http' }] },
      instrument: {
        tool: { verdictRules: 1, sabotage: { falseHolds: 0 } },
        node: process.versions.node,
        captures: [{ step: 'probes', snaplen: 2048 }, { step: 'http' }],
      },
      scope: { bridges: ['br0'], observed: 3, ports: 3, unobserved: [], partial: null },
    });
    const hashes = spawnSync(
      'sh',
      ['-c', `find dist -name '*.js' -o -name '*.cjs' | LC_ALL=C sort | xargs sha256sum | sha256sum`],
      { encoding: 'utf8', cwd: join(import.meta.dirname, '../../..') },
    ).stdout;
    expect(provenance?.instrument.packageSha256).toBe(hashes.slice(0, 64));
    expect(provenance?.when.ended?.utc).toMatch(/^\d{4}-/);
    expect(
      provenance?.method.some((line) => line.includes('sent 80 frames of known-unicast (raw, ipv4-udp) as a, b')),
    ).toBe(true);
    expect(provenance?.limits.length).toBeGreaterThan(3);
    // The filter as the kernel ran it: loads of 8 octets each, the last one returns.
    expect(provenance?.instrument.captures[0]?.program).toMatch(/^([0-9a-f]{16})+$/);
  });
});

interface Checks {
  readonly whole: boolean;
  readonly verdict: string;
  readonly checks: readonly { readonly name: string; readonly ok: boolean | null; readonly text: string }[];
}

function check(dir: string, ...more: readonly string[]) {
  const { status, stdout } = call('check', dir, '--json', ...more);
  const told = JSON.parse(stdout) as Checks;
  const by = (ok: boolean | null): readonly string[] =>
    told.checks.filter((one) => one.ok === ok).map(({ name }) => name);
  return { status, told, ok: by(true), wrong: by(false), none: by(null) };
}

describe('check', () => {
  it('calls the folder of a run whole', () => {
    expect(check(run.dir)).toMatchObject({
      status: 0,
      ok: ['hashes', 'capture', 'key', 'result', 'report'],
      wrong: [],
      none: ['custody', 'signature'],
      told: { whole: true, verdict: 'broken' },
    });
  });

  it.each([
    [
      'run.json',
      (text: string) => text.replace('"startedAt": "20', '"startedAt": "19'),
      ['hashes', 'result', 'report'],
    ],
    ['result.json', (text: string) => text.replace('"broken"', '"holds"'), ['hashes', 'result']],
    [
      'timeline.ndjson',
      (text: string) => text.replace('"accepted":20', '"accepted":10'),
      ['hashes', 'result', 'report'],
    ],
    [
      'plan.json',
      (text: string) => text.replace(/"keySha256": "./, '"keySha256": "z'),
      ['hashes', 'key', 'result', 'report'],
    ],
    ['SHA256SUMS', (text: string) => text.split('\n').slice(1).join('\n'), ['hashes']],
    ['SHA256SUMS', (text: string) => `${text}${'0'.repeat(64)}  ../../etc/passwd\n`, ['hashes']],
  ])('sees a change of %s', (file, change, wrong) => {
    const dir = copy('changed');
    const before = readFileSync(join(dir, file), 'utf8');
    writeFileSync(join(dir, file), change(before));
    expect(readFileSync(join(dir, file), 'utf8')).not.toBe(before);
    const told = check(dir);
    expect({ status: told.status, wrong: told.wrong }).toEqual({ status: 3, wrong });
    rmSync(dir, { recursive: true });
  });

  it('sees one octet of the capture changed', () => {
    const dir = copy('octet');
    const path = join(dir, 'evidence.pcapng');
    const octets = readFileSync(path);
    octets[octets.length - 400] = (octets[octets.length - 400] ?? 0) ^ 1;
    writeFileSync(path, octets);
    expect(check(dir)).toMatchObject({ status: 3, wrong: ['hashes', 'capture', 'result', 'report'] });
  });

  it('sees a report that is not what the run says', () => {
    const dir = copy('report');
    const path = join(dir, 'report.html');
    appendFileSync(path, '<p>it holds</p>');
    expect(check(dir)).toMatchObject({ status: 3, wrong: ['report'], ok: ['hashes', 'capture', 'key', 'result'] });
  });

  it('says that without a signature it proves nothing against its holder, and wants one where it is asked to', () => {
    expect(check(run.dir).told.checks.find(({ name }) => name === 'signature')?.text).toBe(
      'unsigned: proves nothing against its holder',
    );
    expect(check(run.dir, '--require-signature')).toMatchObject({ status: 3, told: { whole: false } });
    const fleet = (...more: readonly string[]) => call('fleet', run.dir, '--json', ...more);
    expect(fleet().stdout).toContain('"problems": []');
    expect(fleet('--require-signature')).toMatchObject({
      status: 3,
      stdout: expect.stringContaining('unsigned: proves nothing') as string,
    });
  });

  it('exits 64 where no run left the folder', () => {
    expect(call('check', run.scratch).status).toBe(64);
  });
});

describe('attest', () => {
  it('signs with an OpenSSH key, and only that signer over only these files is trusted', () => {
    const dir = copy('signed');
    const key = join(run.scratch, 'key');
    expect(spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]).status).toBe(0);
    const signers = join(run.scratch, 'signers');
    writeFileSync(signers, `operator@example.org ${readFileSync(`${key}.pub`, 'utf8')}`);
    const who = (identity: string) => check(dir, '--allowed-signers', signers, '--identity', identity);
    expect(who('operator@example.org')).toMatchObject({ status: 3, none: ['custody', 'signature'] });
    expect(call('attest', dir, '--key', key, '--as', 'operator@example.org').status).toBe(0);
    expect(who('operator@example.org')).toMatchObject({ status: 0, wrong: [], none: [], told: { whole: true } });
    expect(who('somebody@example.org')).toMatchObject({ status: 3, wrong: ['signature'] });
    expect(check(dir, '--require-signature').status).toBe(0);
    const [log, sums] = ['custody.ndjson', 'SHA256SUMS'].map((name) => join(dir, name));
    const signed = readFileSync(log ?? '', 'utf8');
    // what was done, by whom and when is signed as well
    writeFileSync(log ?? '', signed.replace(/"uid":\d+/, '"uid":4711'));
    expect(who('operator@example.org')).toMatchObject({ status: 3, wrong: ['signature'] });
    rmSync(log ?? '');
    expect(who('operator@example.org')).toMatchObject({ status: 3, wrong: ['signature'] });
    writeFileSync(log ?? '', signed);
    appendFileSync(sums ?? '', '\n');
    expect(who('operator@example.org')).toMatchObject({ status: 3, wrong: ['custody', 'signature'] });
  });

  it('is done by the run itself where it is given a key, and a key that does not sign is told', () => {
    const key = join(run.scratch, 'own-key');
    expect(spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key]).status).toBe(0);
    const [dir, other] = [join(run.scratch, 'signed-run'), join(run.scratch, 'unsigned-run')];
    const file = join(run.scratch, 'hub.yml');
    expect(call('run', file, '--out', dir, '--sign', key)).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^signed [0-9a-f]{64}$/m) as string,
    });
    expect(check(dir, '--require-signature')).toMatchObject({ status: 0, none: [], wrong: [] });
    expect(call('run', file, '--out', other, '--quiet', '--sign', join(run.scratch, 'no-key'))).toMatchObject({
      status: 69,
      stderr: expect.stringContaining('is not signed') as string,
    });
    expect(check(other).status).toBe(0);
  });

  it('does not sign what is not whole', () => {
    const dir = copy('not-whole');
    appendFileSync(join(dir, 'plan.json'), ' ');
    expect(call('attest', dir, '--key', join(run.scratch, 'key'))).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('plan.json was changed') as string,
    });
  });
});

describe('purge', () => {
  it('makes no report where there is none when it removes payload', () => {
    const dir = copy('unreported');
    rmSync(join(dir, 'report.html'));
    expect(call('purge', dir).status).toBe(0);
    expect(existsSync(join(dir, 'report.html'))).toBe(false);
  });

  it('removes payload, keeps the verdict, and the custody log says so', () => {
    const dir = copy('purged');
    const rows = (): unknown =>
      (JSON.parse(readFileSync(join(dir, 'result.json'), 'utf8')) as { steps: unknown }).steps;
    const before = rows();
    const payload = (): string =>
      spawnSync('tshark', ['-r', join(dir, 'evidence.pcapng'), '-Y', 'tcp', '-T', 'fields', '-e', 'tcp.payload'], {
        encoding: 'utf8',
      }).stdout.trim();
    expect(payload()).not.toBe('');
    // It shows frames as they stood in the capture.
    appendFileSync(join(dir, 'report.html'), 'payload of a guest');
    expect(call('purge', dir).status).toBe(0);
    expect(payload()).toBe('');
    const report = readFileSync(join(dir, 'report.html'), 'utf8');
    expect([report.includes('payload of a guest'), report.includes('<h4 id="frame-')]).toEqual([false, true]);
    expect(rows()).toEqual(before);
    const told = check(dir);
    expect(told).toMatchObject({
      status: 0,
      wrong: [],
      ok: ['hashes', 'capture', 'key', 'result', 'report', 'custody'],
    });
    expect(told.told.checks.find(({ name }) => name === 'custody')?.text).toMatch(
      /purged by uid \d+: [1-9]\d* octets of payload removed; verdict broken, judged again broken/,
    );
  });
});
