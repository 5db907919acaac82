import { describe, expect, it } from 'vitest';
import { libc } from '../../../../src/system/kernel/libc.js';
import { pageMemory, sharedPageMemory } from '../../../../src/system/kernel/page-memory.js';

describe('bytes to read files into', () => {
  it.each([[1], [262_144], [70_000]])('begin where a page of memory begins and are %i, all 0', (length) => {
    for (const bytes of [pageMemory(length), sharedPageMemory(length)]) {
      expect(libc().addressOf(bytes) % 4096n).toBe(0n);
      expect(bytes.length).toBe(length);
      expect(bytes.every((byte) => byte === 0)).toBe(true);
    }
    expect(sharedPageMemory(length).buffer).toBeInstanceOf(SharedArrayBuffer);
  });
});
