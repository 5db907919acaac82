import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { engines } from '../../../src/system/capture/choose-engine.js';

const top = join(import.meta.dirname, '../../..');

/** The rows of the first table of docs/engines.md, as what an engine says of itself. */
const documented = [
  ...readFileSync(join(top, 'docs/engines.md'), 'utf8').matchAll(
    /^\| `(\w+)` \| (kernel|user) \| (known|unknown) \| (known|inferred) \| counted \|$/gm,
  ),
].map(([, engine = '', timestamps = '', length = '', direction = '']) => ({
  engine,
  timestamps,
  originalLength: length === 'known',
  direction,
}));

describe('docs/engines.md', () => {
  it('has every engine', () => {
    expect(documented.map(({ engine }) => engine).sort()).toEqual(Object.keys(engines).sort());
  });
});
