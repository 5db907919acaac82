import { fixText } from '../../../src/core/fix/fix-text.js';
import type { LeakContext } from '../../../src/core/judge/explain/causes/weakness.js';
import { weaknesses } from '../../../src/core/judge/explain/weaknesses.js';
import type { Cause } from '../../../src/core/model/result.js';

/** The finder of a cause, whose fix is given as a report shows it. */
export function findAsText(code: keyof typeof weaknesses): (leak: LeakContext) => Omit<Cause, 'code'> | null {
  return (leak) => {
    const found = weaknesses[code].find(leak);
    return found === null ? null : { ...found, fix: fixText(found.fix) };
  };
}
