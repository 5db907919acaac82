import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VerifyError } from '../../../../src/core/model/verify-error.js';
import { loadScenario, parseScenario } from '../../../../src/core/scenario/load-scenario.js';
import { anyCharacter } from '../../../support/property-runs.js';

const folder = new URL('../../../../scenarios/', import.meta.url);
const shipped = readdirSync(folder)
  .filter((name) => name.endsWith('.yml'))
  .map((name) => readFileSync(new URL(name, folder), 'utf8'));

/** Pieces that a hand, or a malicious one, might put into a scenario. */
const pieces = fc.oneof(
  fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ': ',
    '- ',
    '&a ',
    '*a',
    '!!binary ',
    '? ',
    '|\n',
    '---\n',
    '%YAML 1.1\n',
    '<<: *a',
    '"',
    '\t',
    '\u0000',
    '\u202e',
    '\u001b[2J',
    '-1',
    '1e999',
    '0x',
    '.nan',
    'null',
    '~',
    'steps:',
    'from: "**"',
    'count: 2000001',
    '__proto__: 1',
    'constructor: {}',
  ),
  fc.string({ maxLength: 12, unit: anyCharacter }),
);
const mutations = fc.array(fc.record({ at: fc.nat(), drop: fc.nat(40), put: pieces }), { minLength: 1, maxLength: 6 });
const mutated = fc.tuple(fc.nat(shipped.length - 1), mutations).map(([which, changes]) =>
  changes.reduce((text, { at, drop, put }) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + put + text.slice(place + drop);
  }, shipped[which] ?? ''),
);

describe('a scenario that was damaged anyhow', () => {
  it('loads, or is refused with VerifyError 64 that names places, within a second of processor time', () => {
    fc.assert(
      fc.property(mutated, (text) => {
        const began = process.cpuUsage().user;
        try {
          loadScenario('f.yml', new TextEncoder().encode(text));
        } catch (error) {
          if (!(error instanceof VerifyError)) throw error;
          expect(error.exitCode).toBe(64);
          for (const line of error.message.split('\n'))
            expect(line).toMatch(/^f\.yml:\d+:\d+: [^\u0000-\u001f\u202e]+$/);
        }
        expect(process.cpuUsage().user - began).toBeLessThan(1_000_000);
      }),
    );
  });

  it('even when it is no text at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(parseScenario('f.yml', bytes).faults.length).toBeGreaterThan(0);
      }),
    );
  });
});
