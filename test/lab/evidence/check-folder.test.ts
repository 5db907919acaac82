import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../../src/core/model/run-record.js';
import { call, check } from '../../support/call.js';
import { smallRun } from '../../support/lab/small-run.js';

let run = { scratch: '', dir: '' };
beforeAll(() => {
  run = smallRun();
});
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
        tool: { verdictRules: 2, sabotage: { falseHolds: 0 } },
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
    // The filter as the kernel ran it: loads of 8 bytes each, the last one returns.
    expect(provenance?.instrument.captures[0]?.program).toMatch(/^([0-9a-f]{16})+$/);
  });
});

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
    const reported = check(dir);
    expect({ status: reported.status, wrong: reported.wrong }).toEqual({ status: 3, wrong });
    rmSync(dir, { recursive: true });
  });

  it('sees one byte of the capture changed', () => {
    const dir = copy('byte');
    const path = join(dir, 'evidence.pcapng');
    const bytes = readFileSync(path);
    bytes[bytes.length - 400] = (bytes[bytes.length - 400] ?? 0) ^ 1;
    writeFileSync(path, bytes);
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
    expect(check(run.dir, '--require-signature')).toMatchObject({
      status: 3,
      wrong: ['signature'],
      told: { whole: false },
    });
    expect(call('check', run.dir, run.dir, '--require-signature')).toMatchObject({
      status: 3,
      stdout: expect.stringContaining('unsigned, but a signature is required') as string,
    });
  });

  it('exits 64 where no run left the folder', () => {
    expect(call('check', run.scratch).status).toBe(64);
  });
});
