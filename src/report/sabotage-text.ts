import type { Result } from '../core/model/result.js';

/**
 * What test/sabotage did to the version that judged: the figure that says whether the tool can fail. Null where a
 * version before it judged.
 */
export function sabotageText({ tool: { sabotage } }: Pick<Result, 'tool'>): string | null {
  return sabotage === undefined
    ? null
    : `broken on purpose in ${sabotage.cases} ways and more before its release: ${sabotage.falseHolds} false HOLDS`;
}
