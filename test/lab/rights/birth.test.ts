import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { needs, readable, root } from '../../support/needs.js';

const program = fileURLToPath(new URL('rob-helpers.mjs', import.meta.url));

interface Attacked {
  /** Descriptors that were taken, and whether it was traced. */
  readonly got: readonly string[];
  readonly tried: number;
}
interface Seen {
  readonly sent: unknown;
  readonly unprotected: Attacked;
  readonly sender: Attacked;
  readonly capture: Attacked;
  readonly parser: Attacked;
}

describe('a process of the user that a helper becomes', needs(root, readable), () => {
  it('neither traces it nor takes a descriptor of it, from its birth on', async () => {
    const { stdout } = await promisify(execFile)('unshare', [
      '--pid',
      '--fork',
      '--mount-proc',
      process.execPath,
      program,
    ]);
    const { sent, unprotected, ...helpers }: Seen = JSON.parse(stdout);
    expect(sent).toEqual({ accepted: 1, error: null });
    expect(unprotected.got).toEqual(expect.arrayContaining(['descriptor 0', 'trace']));
    for (const { tried } of Object.values(helpers)) expect(tried).toBeGreaterThan(100);
    expect(Object.entries(helpers).flatMap(([name, { got }]) => got.map((what) => `${name}: ${what}`))).toEqual([]);
  });
});
