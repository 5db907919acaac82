import { expect, it } from 'vitest';
import { reason } from '../../../../src/core/model/reasons.js';
import { VerifyError } from '../../../../src/core/model/verify-error.js';

it('a code that is mistyped where it is given does not compile', () => {
  // @ts-expect-error: the code is frames-dropped
  expect(reason('frames-droped', null, '').code).toBe('frames-droped');
  // @ts-expect-error: the code is program-missing
  expect(new VerifyError('programm-missing', 69, '', '').code).toBe('programm-missing');
});
