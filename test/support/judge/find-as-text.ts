import { fixText } from '../../../src/core/fix/fix-text.js';
import type { LeakContext } from '../../../src/core/bridge/weakness.js';
import { weaknesses } from '../../../src/core/bridge/weaknesses.js';
import type { FoundCauseCode } from '../../../src/core/model/codes.js';
import type { Cause } from '../../../src/core/model/result.js';

/** The finder of a cause, whose fix is given as a report shows it. */
export function findAsText(code: FoundCauseCode): (leak: LeakContext) => Omit<Cause, 'code'> | null {
  return (leak) => {
    const found = weaknesses[code].cause.find(leak);
    return found === null ? null : { ...found, fix: fixText(found.fix) };
  };
}
