import { expect, it } from 'vitest';
import { absoluteFolders } from '../../../../src/system/process/package-path.js';

it.each([
  ['/usr/bin:/bin', '/usr/bin:/bin'],
  ['/usr/bin::/bin:', '/usr/bin:/bin'],
  [':/usr/bin', '/usr/bin'],
  ['.:bin:../x:/usr/bin', '/usr/bin'],
  ['', '/usr/bin:/bin'],
  ['.', '/usr/bin:/bin'],
  [undefined, '/usr/bin:/bin'],
])('programs are looked for in no folder that depends on the current one: PATH=%s', (path, folders) =>
  expect(absoluteFolders(path)).toBe(folders),
);
