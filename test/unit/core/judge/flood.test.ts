import { describe, expect, it } from 'vitest';
import type { Result } from '../../../../src/core/model/result.js';
import { addFrames, type Evidence, judge, perfectRun } from '../../../support/judge/perfect-run.js';

const noise = (source: string): Uint8Array =>
  Buffer.concat([Buffer.from(`ffffffffffff${source.replaceAll(':', '')}88b5`, 'hex'), Buffer.alloc(46)]);
const flooder = '52:54:00:00:00:01';

/** The kernel dropped frames at c. */
function dropping(evidence: Evidence, dropped: number): Result {
  evidence.timeline = evidence.timeline.map((entry) => {
    if (entry.event !== 'stopped') return entry;
    const delivered = entry.written['c'] ?? 0;
    return { ...entry, counters: { ...entry.counters, c: { received: delivered + dropped, dropped, delivered } } };
  });
  return judge(evidence);
}
function flood(evidence: Evidence, frames: number, source = flooder, entered = 'a'): void {
  for (let at = 0; at < frames; at += 1)
    addFrames(
      evidence,
      { observer: entered, outgoing: false, bytes: noise(source) },
      { observer: 'c', outgoing: true, bytes: noise(source) },
    );
}
const atC = (result: Result) => result.steps[0]?.observers.find(({ name }) => name === 'c');
const reported = (result: Result): string =>
  result.steps[0]?.reasons.find(({ code }) => code === 'frames-dropped')?.text ?? '';

describe('a flood', () => {
  it('in which frames were dropped is told with who made it, and where it came in', () => {
    const evidence = perfectRun();
    flood(evidence, 60);
    flood(evidence, 9, '02:00:00:00:00:99', 'lan');
    const result = dropping(evidence, 5);
    expect(result.verdict).toBe('inconclusive');
    expect(atC(result)?.noise).toEqual([
      { source: flooder, frames: 60, enteredAt: 'a' },
      { source: '02:00:00:00:00:99', frames: 9, enteredAt: 'lan' },
    ]);
    expect(reported(result)).toMatch(
      /^5 of \d+ frames at p2 were dropped; 60 of \d+ frames there were noise from 52:54:00:00:00:01, which entered at a$/,
    );
  });

  it('by the guest behind the port itself is told as one that entered there', () => {
    const evidence = perfectRun();
    for (let at = 0; at < 50; at += 1)
      addFrames(evidence, { observer: 'c', outgoing: false, bytes: noise('52:54:00:00:00:03') });
    expect(atC(dropping(evidence, 1))?.noise).toEqual([{ source: '52:54:00:00:00:03', frames: 50, enteredAt: 'c' }]);
  });

  it('from beyond every observed port has no place', () => {
    const evidence = perfectRun();
    for (let at = 0; at < 50; at += 1) addFrames(evidence, { observer: 'c', outgoing: true, bytes: noise(flooder) });
    const result = dropping(evidence, 1);
    expect(atC(result)?.noise?.[0]?.enteredAt).toBeNull();
    expect(reported(result)).toMatch(/noise from 52:54:00:00:00:01$/);
  });

  it("of the run's own frames says so", () => {
    const evidence = perfectRun();
    flood(evidence, 1);
    expect(reported(dropping(evidence, 7))).toMatch(/most frames there were the run’s own: lower `rate`$/);
  });

  it('of more sources than are counted one by one is told as theirs together', () => {
    const evidence = perfectRun();
    const frames = Array.from({ length: 6000 }, (_, at) =>
      noise(`02:00:00:00:${(at >> 8).toString(16).padStart(2, '0')}:${(at & 255).toString(16).padStart(2, '0')}`),
    );
    addFrames(evidence, ...frames.map((bytes) => ({ observer: 'c', outgoing: true, bytes })));
    const result = dropping(evidence, 1);
    expect(atC(result)?.noise).toHaveLength(3);
    expect(atC(result)?.noise?.[0]).toEqual({ source: '*', frames: 6000 - 4096, enteredAt: null });
  });

  it('without a drop costs nothing and is not told', () => {
    const evidence = perfectRun();
    flood(evidence, 60);
    const result = judge(evidence);
    expect(result.verdict).toBe('holds');
    expect(atC(result)).not.toHaveProperty('noise');
  });

  it('hides no leak', () => {
    const evidence = perfectRun();
    flood(evidence, 60);
    const probe = evidence.frames.find(
      ({ observer, outgoing, bytes }) =>
        observer === 'b' && outgoing && Buffer.from(bytes.subarray(0, 6)).toString('hex') === '525400000002',
    );
    if (probe === undefined) throw new Error('b got no probe');
    addFrames(evidence, { observer: 'c', outgoing: true, bytes: probe.bytes });
    expect(dropping(evidence, 1000).verdict).toBe('broken');
  });
});
