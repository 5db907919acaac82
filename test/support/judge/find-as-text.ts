import { fixText } from '../../../src/core/fix/fix-text.js';
import { weaknesses } from '../../../src/core/bridge/weaknesses.js';
import type { FoundCauseCode } from '../../../src/core/model/codes.js';
import type { Cause } from '../../../src/core/model/result.js';
import type { RowContext } from '../../../src/core/bridge/row-context.js';
import { row } from './row-fixture.js';

/** Finds a cause of a row with these parts, and gives its fix as a report shows it. */
export function findAsText(code: FoundCauseCode): (over?: Partial<RowContext>) => Omit<Cause, 'code'> | null {
  return (over) => {
    const found = weaknesses[code].cause.find(row(over));
    return found === null ? null : { ...found, fix: fixText(found.fix) };
  };
}
