import { describe, expect, it } from 'vitest';
import { reason } from '../../../../src/core/model/reasons.js';
import { VerifyError } from '../../../../src/core/model/verify-error.js';
import { parseCode, parseFaultCode } from '../../../../src/core/text/parse-code.js';

describe('a code that was read', () => {
  it('is one of the known ones', () => {
    expect(parseCode(['nat', 'mirror'], 'mirror')).toBe('mirror');
    expect(parseFaultCode('frames-dropped')).toBe('frames-dropped');
    expect(parseFaultCode('journal-failed')).toBe('journal-failed');
  });
  it('of another version stays readable as it is', () => {
    expect(parseCode(['nat'], 'of-a-later-version')).toBe('of-a-later-version');
    expect(parseFaultCode('toString')).toBe('toString');
  });
  it('that is mistyped where it is given does not compile', () => {
    // @ts-expect-error: the code is frames-dropped
    expect(reason('frames-droped', null, '').code).toBe('frames-droped');
    // @ts-expect-error: the code is program-missing
    expect(new VerifyError('programm-missing', 69, '', '').code).toBe('programm-missing');
  });
});
