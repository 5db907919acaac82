import { expect, it } from 'vitest';
import type { Step } from '../../../../src/core/model/scenario.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { maySample } from '../../../../src/core/plan/traced-sample.js';
import { scenario, step } from '../../../support/judge/perfect-run.js';
import { there } from '../../../support/there.js';

const rate = 1000;
const [probe] = step().probes;

it.each<[string, boolean, Partial<Step>, Record<string, unknown>]>([
  ['long steps of frames that any guest may send', true, {}, { count: 4000 }],
  ['no short step', false, {}, { count: 500 }],
  ['no step whose sample would be most of it', false, {}, { count: 2, rate: 1 }],
  ['no step with events', false, { during: [{ atMs: 0, run: [], settleMs: 0 }] }, { count: 4000 }],
  ['no attack, which may change where later frames go', false, {}, { count: 4000, class: 'mac-spoof' }],
  ['no disruptive class', false, {}, { count: 4000, class: 'mac-steal' }],
])('a trace samples %s', (_, expected, change, probed) => {
  const steps = [step({ ...change, probes: [{ ...there(probe), ...probed }] })];
  const plan = makePlan(scenario(steps), { runTag: 1, keySha256: '0'.repeat(64) });
  const planned = there(plan.steps[0]);
  expect(maySample(planned, planned.rate ?? rate)).toBe(expected);
});
