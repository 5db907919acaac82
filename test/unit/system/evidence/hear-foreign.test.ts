import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hearForeign } from '../../../../src/system/evidence/hear-foreign.js';
import { startForeign } from '../../../../src/core/judge/foreign/foreign.js';
import { finishForeign, macOfNumber } from '../../../../src/core/judge/foreign/report.js';
import { macBytes, macNumber } from '../../../../src/core/wire/ethernet.js';
import { foreignCases } from '../../../captures/foreign-cases.mjs';

const captures = resolve(import.meta.dirname, '../../../../captures');
const listened = Object.entries(foreignCases).filter(([, { args }]) => args.includes('--mac'));

function numberOf(mac: string): number {
  const bytes = macBytes(mac);
  if (bytes === null) throw new Error(`not a MAC: ${mac}`);
  return macNumber(bytes, 0);
}

describe('a capture of others, judged without a command line', () => {
  it('is most of the corpus', () => expect(listened.length).toBeGreaterThan(25));

  it.each(listened)('%s', async (name, { args }) => {
    const macs = args.flatMap((word, at) => (args[at - 1] === '--mac' ? [numberOf(word)] : []));
    const files = args.slice(0, args.indexOf('--mac'));
    const fold = startForeign({ name: null, macs, elsewhere: null });
    const folder = join(captures, name);
    for (const file of files) await hearForeign(fold, join(folder, file));
    const report = JSON.stringify({ schemaVersion: 1, listeners: [finishForeign(fold, macOfNumber)] }).replaceAll(
      `${folder}/`,
      '',
    );
    expect(JSON.parse(report)).toEqual(JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')));
  });
});
