import { describe, expect, it } from 'vitest';
import {
  judgedRun,
  type Change,
  changedRun,
  counts,
  receives,
  judged,
  type Judged,
  sends,
} from '../../../support/judge/judged.js';
import { addFrames, type Evidence } from '../../../support/judge/perfect-run.js';
import { there } from '../../../support/there.js';

const noise = (source: string) =>
  Buffer.concat([Buffer.from(`ffffffffffff${source.replaceAll(':', '')}88b5`, 'hex'), Buffer.alloc(46)]);
const flooder = '52:54:00:00:00:01';
const stranger = '02:00:00:00:00:99';
const often = (times: number, ...changes: readonly Change[]) => Array.from({ length: times }, () => changes).flat();
const flood = (frames: number, source = flooder, entered = 'a') =>
  often(frames, sends(entered, noise(source)), receives('c', noise(source)));

/** The kernel dropped frames at c. */
const drops =
  (dropped: number): Change =>
  (evidence) => {
    const [delivered = 0] = evidence.timeline.flatMap((entry) =>
      entry.event === 'stopped' ? [entry.written['c']] : [],
    );
    counts('c', { received: (delivered ?? 0) + dropped, dropped, delivered: delivered ?? 0 })(evidence);
  };
const atC = ({ steps }: Judged) => steps[0]?.observers.find(({ name }) => name === 'c');
const reported = ({ steps }: Judged) => steps[0]?.reasons.find(({ code }) => code === 'frames-dropped')?.text ?? '';

describe('a flood', () => {
  it('in which frames were dropped is told with who made it, and where it came in', () => {
    const result = judged(...flood(60), ...flood(9, stranger, 'lan'), drops(5));
    expect(result.verdict).toBe('inconclusive');
    expect(atC(result)?.noise).toEqual([
      { source: flooder, frames: 60, enteredAt: 'a' },
      { source: stranger, frames: 9, enteredAt: 'lan' },
    ]);
    expect(reported(result)).toMatch(
      /^5 of \d+ frames at p2 were dropped; 60 of \d+ frames there were noise from 52:54:00:00:00:01, which entered at a$/,
    );
  });

  it('by the guest behind the port itself is told as one that entered there', () => {
    const source = '52:54:00:00:00:03';
    expect(atC(judged(...often(50, sends('c', noise(source))), drops(1)))?.noise).toEqual([
      { source, frames: 50, enteredAt: 'c' },
    ]);
  });

  it('from beyond every observed port has no place', () => {
    const result = judged(...often(50, receives('c', noise(flooder))), drops(1));
    expect(atC(result)?.noise?.[0]?.enteredAt).toBeNull();
    expect(reported(result)).toMatch(/noise from 52:54:00:00:00:01$/);
  });

  it("of the run's own frames says so", () => {
    const result = judged(...flood(1), drops(7));
    expect(reported(result)).toMatch(/most frames there were the run’s own: lower `rate`$/);
  });

  it('of more sources than are counted one by one is told as theirs together', () => {
    const frames = Array.from({ length: 6000 }, (_, at) =>
      noise(`02:00:00:00:${(at >> 8).toString(16).padStart(2, '0')}:${(at & 255).toString(16).padStart(2, '0')}`),
    );
    const evidence = changedRun(undefined);
    addFrames(evidence, ...frames.map((bytes) => ({ observer: 'c', outgoing: true, bytes })));
    drops(1)(evidence);
    expect(atC(judgedRun(evidence))?.noise).toHaveLength(3);
    expect(atC(judgedRun(evidence))?.noise?.[0]).toEqual({ source: '*', frames: 6000 - 4096, enteredAt: null });
  });

  it('without a drop costs nothing and is not told', () => {
    const result = judged(...flood(60));
    expect(result.verdict).toBe('holds');
    expect(atC(result)).not.toHaveProperty('noise');
  });

  it('hides no leak', () => {
    const probe = ({ frames }: Evidence) =>
      there(
        frames.find(
          ({ observer, outgoing, bytes }) =>
            observer === 'b' && outgoing && Buffer.from(bytes.subarray(0, 6)).toString('hex') === '525400000002',
        ),
      ).bytes;
    expect(judged(...flood(60), receives('c', probe), drops(1000)).verdict).toBe('broken');
  });
});
