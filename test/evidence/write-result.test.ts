import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indentJson } from '../../src/evidence/indent-json.js';
import { writeResult } from '../../src/evidence/write-result.js';
import { jsonText } from '../../src/model/json-text.js';
import type { Finding, Result } from '../../src/model/result.js';

let dir = '';
beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'result-'))));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** A result of two steps, one of so many findings, whose texts try to look like its own keys. */
function resultOf(findings: number): Result {
  const finding = (at: number): Finding => ({
    probe: 0, class: 'known-unicast', carrier: 'raw', vlan: at % 3 === 0 ? [1, 2] : [], from: `g${at}\u202e`, to: null, observer: '"findings": []', sent: 1, seen: 1, allowed: 'no', leak: true,
    upperBound95: null, direction: 'known', firstSighting: { file: 'evidence.pcapng', frame: at, at: '\\' }, causes: [],
  });
  const step = { name: 'é "findings": [] \\', verdict: 'broken', expected: 'holds', asExpected: false, reasons: [], observers: [], entry: { sent: 0, seen: 0 } } as const;
  return {
    schemaVersion: 1, tool: { name: 'verify-isolation', version: '0', verdictRules: 1 }, run: { id: 'a', startedAt: 'b', durationMs: 1 }, scenario: { name: 'c', file: 'd', sha256: 'e' }, verdict: 'broken', asExpected: false, exitCode: 2,
    coverage: { ports: 0, observed: 0, complete: true, unobserved: [] },
    steps: [{ ...step, findings: Array.from({ length: findings }, (_, at) => finding(at)) }, { ...step, findings: [] }], evidence: { dir: '.', files: [] },
  };
}

describe('JSON that is laid out', () => {
  it('is what JSON.stringify lays out', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => {
      expect(Buffer.from(indentJson(Buffer.from(JSON.stringify(value)), 0)).toString()).toBe(JSON.stringify(value, null, 2));
    }));
  });
  it('stands as deep as it is asked for', () => {
    expect(Buffer.from(indentJson(Buffer.from('{"a":1},[]'), 2)).toString()).toBe('{\n      "a": 1\n    },\n    []');
  });
});

describe('result.json', () => {
  it('has the same octets from a thread as from one text, and the hash is theirs', async () => {
    for (const findings of [0, 3, 20_001]) {
      const result = resultOf(findings);
      const sha256 = await writeResult(dir, result);
      const octets = readFileSync(join(dir, 'result.json'));
      expect(octets.toString() === `${jsonText(result, 2)}\n`).toBe(true);
      expect(sha256).toBe(createHash('sha256').update(octets).digest('hex'));
    }
  });
  it('is told to be refused where its folder takes no file', async () => {
    const file = join(dir, 'no-folder');
    writeFileSync(file, '');
    for (const findings of [3, 20_001]) await expect(writeResult(file, resultOf(findings))).rejects.toMatchObject({ code: 'evidence-not-writable' });
  });
});
