import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/** A folder of the tests of a file, which goes when they have ended. */
export function scratchFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `${name}-`));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What the tests of a group share: made before the first, closed after the last, to be used in between. */
export function shared<T extends { close(): unknown }>(make: () => T | Promise<T>, timeoutMs?: number): T {
  let made: T | undefined;
  beforeAll(async () => {
    made = await make();
  }, timeoutMs);
  afterAll(() => made?.close(), timeoutMs);
  return new Proxy({} as T, {
    get(_, key) {
      if (made === undefined) throw new Error(`not made yet: there is no ${String(key)}`);
      return Reflect.get(made, key);
    },
  });
}
