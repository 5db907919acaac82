import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { rootsText } from '../../../../src/system/kernel/proc-files.js';

describe('a file of /proc/net that root alone may read', () => {
  it('is its text, or not there, or refused with the name of the error', () => {
    const folder = mkdtempSync(join(tmpdir(), 'roots-text-'));
    try {
      const file = join(folder, 'names');
      writeFileSync(file, 'raw\n');
      expect(rootsText(file)).toEqual({ text: 'raw\n' });
      expect(rootsText(join(folder, 'none'))).toEqual({ text: null });
      expect(rootsText(folder)).toEqual({ refused: 'EISDIR' });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
