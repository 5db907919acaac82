import { expect, it } from 'vitest';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { namingFolder } from '../../../../../src/system/evidence/folder/own-folder.js';

it('an error about a folder that is named by its descriptor has the name that people gave, in what to do as well', () => {
  const folder = { path: '/proc/self/fd/19', name: 'evidence/one' };
  const error = new VerifyError(
    'evidence-unreadable',
    64,
    '/proc/self/fd/19: no run',
    'name a run in /proc/self/fd/19',
  );
  expect(namingFolder(folder, error)).toMatchObject({
    code: 'evidence-unreadable',
    exitCode: 64,
    message: 'evidence/one: no run',
    hint: 'name a run in evidence/one',
  });
  const fault = new Error('/proc/self/fd/19');
  expect(namingFolder(folder, fault)).toBe(fault);
});
