import { describe, expect, it } from 'vitest';
import type { Endpoint } from '../../../../../src/core/model/scenario.js';
import type { Result } from '../../../../../src/core/model/result.js';
import { terminalReport } from '../../../../../src/report/terminal/terminal.js';
import { answerOf } from '../../../../../src/report/answer/answer.js';
import { judged as judgedRun, plans } from '../../../../support/judge/judged.js';

/** A perfect run, in which a sends to b, and c, that only listens, is known to be observed only. */
function judged(how?: 'told' | 'missing'): Result {
  const observed = how === undefined ? {} : { observedOnly: how };
  const change = (endpoint: Endpoint): Endpoint => (endpoint.name === 'c' ? { ...endpoint, ...observed } : endpoint);
  return judgedRun(plans(({ endpoints }) => ({ endpoints: endpoints.map(change) })));
}
const lines = (result: Result, verbose = false): readonly string[] =>
  terminalReport([{ result, dir: null, details: null }], { width: 100, color: false, verbose })
    .trimEnd()
    .split('\n');
const words = 'HOLDS for 2 of 3 guests; 1 was only observed: c. ';

describe('a guest that was only observed', () => {
  it('leaves the verdict as it is, and is named with the number in the first line and in the last sentence', () => {
    const result = judged('told');
    expect([result.verdict, result.exitCode, result.observedOnly]).toEqual(['holds', 0, { guests: ['c'], of: 3 }]);
    const told = lines(result);
    expect(told[0]).toContain(words);
    expect(told.findLast((line) => line.startsWith('HOLDS'))).toContain(`${words}None of 3`);
    expect(lines(result, true)[0]).toContain(words);
  });

  it('makes it INCONCLUSIVE where no guest may be left out', () => {
    const result = judged('missing');
    expect([result.verdict, result.exitCode]).toEqual(['inconclusive', 3]);
    expect(result.steps[0]?.reasons).toEqual([
      {
        code: 'observed-only',
        observer: 'c',
        text: 'its bridge does not know its MAC: nothing was sent to it or in its name',
      },
    ]);
    expect(answerOf({ result, dir: null, details: null }).sentence).toContain('observed-only at c');
  });

  it('is nobody where the scenario names none', () => {
    const result = judged();
    expect([result.verdict, 'observedOnly' in result, lines(result)[0]?.startsWith('HOLDS  ')]).toEqual([
      'holds',
      false,
      true,
    ]);
  });
});
