import { expect, it } from 'vitest';
import { VerifyError } from '../../../../src/core/model/verify-error.js';
import { startSendingHelper } from '../../../../src/system/inject/helper.js';

it('a sending helper that does not start is one error, which its caller gets', async () => {
  const unhandled: unknown[] = [];
  const hear = (error: unknown): void => void unhandled.push(error);
  process.on('unhandledRejection', hear);
  try {
    const died = Promise.reject(new VerifyError('helper-died', 69, 'it does not start', 'try again'));
    await expect(startSendingHelper(new Set(), died)).rejects.toMatchObject({ code: 'helper-died' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).toEqual([]);
  } finally {
    process.off('unhandledRejection', hear);
  }
});
