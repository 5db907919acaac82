import { fixText } from '../../../src/core/fix/fix-text.js';
import { causes } from '../../../src/core/judge/explain/causes.js';
import type { LeakContext } from '../../../src/core/judge/explain/causes/leak.js';
import type { Cause } from '../../../src/core/model/result.js';

/** The finder of a cause, whose fix is given as a report shows it. */
export function findAsText(code: keyof typeof causes): (leak: LeakContext) => Omit<Cause, 'code'> | null {
  return (leak) => {
    const found = causes[code](leak);
    return found === null ? null : { ...found, fix: fixText(found.fix) };
  };
}
