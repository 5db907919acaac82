// @module-tag alike: frames decide these tests, whoever runs them.
import { beforeAll, expect, it } from 'vitest';
import type { ProgressEvent } from '../../../src/core/model/timeline.js';
import { fresh, program, threeOn } from '../../support/lab/program.js';
import { patient } from '../../support/patient.js';

const probe = 'probe: [ { class: known-unicast, from: a, to: b, count: 20, carriers: [raw] } ]';

let events: readonly ProgressEvent[] = [];
let status: number | null = null;
beforeAll(async () => {
  const file = threeOn(
    '{ ageing_time: 30s }',
    `  - { name: a switch, ${probe}, expect: holds }
  - { name: a hub that is shown, set: { br0: { ageing_time: 0 } }, ${probe}, expect: leak }
  - { name: a hub that nobody expects, ${probe}, expect: holds }
  - { name: a hub that somebody accepts, ${probe}, expect: holds, accept: [ { observer: c, class: known-unicast, reason: known, owner: net } ] }`,
  );
  const outcome = await program(['run', file, '--out', fresh('evidence'), '--json', '--progress', 'json']);
  ({ status } = outcome);
  events = outcome.stderr
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as ProgressEvent);
}, patient(300_000));

it('reports where a leak was seen while the run goes on, once for each observer, and whether the step shows it', () => {
  expect(status).toBe(2);
  expect(events.flatMap((event) => (event.kind === 'leak' ? [event] : []))).toEqual([
    { scenario: 't', kind: 'leak', index: 1, observer: 'c', isExpected: true },
    { scenario: 't', kind: 'leak', index: 2, observer: 'c', isExpected: false },
  ]);
});

it('reports it before anything is judged', () => {
  const judging = events.findIndex((event) => event.kind === 'phase' && event.name === 'judging');
  const last = events.findLastIndex((event) => event.kind === 'leak');
  expect(last).toBeGreaterThan(-1);
  expect(last).toBeLessThan(judging);
});
