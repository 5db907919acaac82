import { closeSync, existsSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeEvidenceFolder } from '../../../../../src/cli/commands/evidence/evidence-folder.js';
import { scratchFolder } from '../../../../support/scratch.js';

const scratch = scratchFolder('evidence-folder');

it('a disk without room for what stands beside the evidence is said, and no fault of the program', () => {
  const dir = join(scratch, 'full');
  const fill = (): void => {
    const full = openSync('/dev/full', 'w');
    try {
      writeFileSync(full, 'a scenario');
    } finally {
      closeSync(full);
    }
  };
  expect(() => makeEvidenceFolder(dir, fill)).toThrowError(
    expect.objectContaining({
      exitCode: 69,
      message: `${dir}: the evidence cannot be written: no space left on device`,
      hint: expect.stringContaining('--out'),
    }),
  );
  expect(existsSync(dir)).toBe(true);
});
