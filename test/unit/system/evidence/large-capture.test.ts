import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '../../../../src/core/model/result.js';
import type { RunRecord } from '../../../../src/core/model/run-record.js';
import { replayFolder } from '../../../../src/system/evidence/replay.js';
import { call } from '../../../support/call.js';

const recorded = join(import.meta.dirname, '../../../../captures/hub-mode');
let dir = '';

/** A block of pcapng of a type that is nobody's: 12 MiB that every reader skips. */
function unknownBlock(): Buffer {
  const block = Buffer.alloc(12 * 1024 * 1024, 0x56);
  block.writeUInt32LE(0x4000_0bad, 0);
  for (const at of [4, block.length - 4]) block.writeUInt32LE(block.length, at);
  return block;
}

/** Changes run.json as after a run that wrote these bytes. */
function closeWith(bytes: Uint8Array): void {
  const path = join(dir, 'run.json');
  const run = JSON.parse(readFileSync(path, 'utf8')) as RunRecord;
  writeFileSync(
    path,
    JSON.stringify({ ...run, capture: { ...run.capture, sha256: createHash('sha256').update(bytes).digest('hex') } }),
  );
}

beforeAll(() => {
  dir = join(mkdtempSync(join(tmpdir(), 'large-capture-')), 'run');
  cpSync(recorded, dir, { recursive: true });
  const bytes = Buffer.concat([
    gunzipSync(readFileSync(join(dir, 'evidence.pcapng.gz'))),
    unknownBlock(),
    unknownBlock(),
    unknownBlock(),
  ]);
  rmSync(join(dir, 'evidence.pcapng.gz'));
  writeFileSync(join(dir, 'evidence.pcapng'), bytes);
  closeWith(bytes);
});
afterAll(() => rmSync(join(dir, '..'), { recursive: true, force: true }));

describe('a capture that is hashed beside the judgement', () => {
  it('comes to what the same frames come to in a small one, with the hash of its own bytes', async () => {
    const small = await replayFolder(recorded);
    const sha256 = createHash('sha256')
      .update(readFileSync(join(dir, 'evidence.pcapng')))
      .digest('hex');
    const reported = JSON.parse(call('replay', dir, '--json').stdout) as Result;
    expect({ verdict: reported.verdict, steps: reported.steps }).toEqual({
      verdict: small.verdict,
      steps: JSON.parse(JSON.stringify(small.steps)) as unknown,
    });
    expect(reported.evidence.files.find(({ path }) => path === 'evidence.pcapng')?.sha256).toBe(sha256);
    // Without a command line there is no hash that has begun already.
    expect(JSON.parse(JSON.stringify(await replayFolder(dir)))).toEqual(reported);
    expect(call('replay', dir).stdout).toBe(call('replay', dir, '--reporter', 'terminal').stdout);
  });

  it('is hashed to its end where it is damaged before', async () => {
    const path = join(dir, 'evidence.pcapng');
    const bytes = readFileSync(path);
    const damaged = Buffer.from(bytes);
    // the closing length of the second block that is nobody's
    damaged.writeUInt32LE(7, bytes.length - 12 * 1024 * 1024 - 4);
    writeFileSync(path, damaged);
    closeWith(damaged);
    const reported = JSON.parse(call('replay', dir, '--json').stdout) as Result;
    expect(reported.evidence.files.find(({ path: name }) => name === 'evidence.pcapng')?.sha256).toBe(
      createHash('sha256').update(damaged).digest('hex'),
    );
    expect(reported.steps.flatMap(({ reasons }) => reasons.map(({ code, text }) => `${code}: ${text}`))).toContainEqual(
      expect.stringMatching(
        /^capture-damaged: evidence\.pcapng, offset \d+: a block of 12582912 bytes ends with another length, 7$/,
      ),
    );
    expect(JSON.parse(JSON.stringify(await replayFolder(dir)))).toEqual(reported);
    writeFileSync(path, bytes);
    closeWith(bytes);
  });

  it('is not the file of the run where one byte differs that no frame has', () => {
    const path = join(dir, 'evidence.pcapng');
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.concat([bytes.subarray(0, -1000), Buffer.of(1), bytes.subarray(-999)]));
    const reported = JSON.parse(call('replay', dir, '--json').stdout) as Result;
    expect(reported.steps.flatMap(({ reasons }) => reasons.map(({ code, text }) => `${code}: ${text}`))).toContain(
      'evidence-incomplete: evidence.pcapng is not the file that was written: its SHA-256 differs',
    );
    writeFileSync(path, bytes);
  });

  it('keeps nobody waiting in a folder that no run left', () => {
    rmSync(join(dir, 'run.json'));
    const { status, stderr } = call('replay', dir);
    expect([status, stderr]).toEqual([64, expect.stringContaining('run.json')]);
  });
});
