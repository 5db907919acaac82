import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../../src/core/model/result.js';
import type { ProbeEntry } from '../../../../src/core/model/scenario.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../src/core/wire/token.js';
import {
  addFrames,
  type Evidence,
  judge,
  key,
  perfectRun,
  scenario,
  step,
} from '../../../support/judge/perfect-run.js';

const codes = (result: Result): readonly string[] =>
  result.steps.flatMap(({ reasons }) => reasons.map(({ code }) => code));

function probeFrame(evidence: Evidence, sequence: number): Uint8Array {
  const flow = evidence.plan.steps[0]?.flows.at(0);
  if (flow === undefined) throw new Error('the plan has no flow');
  return buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first + sequence, 1));
}

describe('a perfect run', () => {
  it('holds, with the bound that its deliveries give', () => {
    const result = judge(perfectRun());
    expect(codes(result)).toEqual([]);
    expect(result.verdict).toBe('holds');
    expect(result.exitCode).toBe(0);
    const row = result.steps[0]?.findings.find(({ observer }) => observer === 'c');
    expect(row).toMatchObject({ sent: 20, seen: 0, allowed: 'no', leak: false, upperBound95: 0.14 });
  });

  it('is a pure function of its evidence', () => {
    expect(JSON.stringify(judge(perfectRun()))).toBe(JSON.stringify(judge(perfectRun())));
  });
});

describe('a sender whose entry controls the bridge cannot get, as in a VLAN in which it has no address', () => {
  const known = step().probes;
  const unmet = known.map(
    (probe): ProbeEntry => ({ ...probe, class: 'unknown-unicast', to: null, maySee: ['b', 'lan'] }),
  );
  function unheard(...entries: readonly (readonly ProbeEntry[])[]): Result {
    const probes = entries.flat();
    const evidence = perfectRun(scenario([step({ probes })]));
    evidence.frames = evidence.frames.filter(({ observer }) => observer !== 'br0');
    evidence.timeline = evidence.timeline.map((entry) =>
      entry.event !== 'stopped'
        ? entry
        : {
            ...entry,
            written: { ...entry.written, br0: 0 },
            counters: { ...entry.counters, br0: { received: 0, dropped: 0, delivered: 0 } },
          },
    );
    return judge(evidence);
  }

  it('holds where addressees got what it sent first and last', () => {
    expect(unheard(known, unmet, known)).toMatchObject({
      verdict: 'holds',
      steps: [{ reasons: [], entry: { sent: 3, seen: 0 } }],
    });
  });
  it.each([
    ['last', [known, unmet]],
    ['first', [unmet, known]],
    ['at all', [unmet]],
  ] as const)('is inconclusive where nobody had to see what it sent %s', (_, probes) => {
    expect(codes(unheard(...probes))).toEqual(['entry-unproved']);
  });
});

describe('a leak', () => {
  it('is broken, and named with its first frame', () => {
    const evidence = perfectRun();
    addFrames(evidence, { observer: 'c', outgoing: true, bytes: probeFrame(evidence, 3) });
    const result = judge(evidence);
    expect(result).toMatchObject({ verdict: 'broken', exitCode: 2 });
    expect(result.steps[0]?.findings.find(({ leak }) => leak)).toMatchObject({
      observer: 'c',
      seen: 1,
      firstSighting: { frame: evidence.frames.length },
    });
  });

  it('is broken whatever else failed', () => {
    const evidence = perfectRun();
    addFrames(evidence, { observer: 'c', outgoing: true, bytes: probeFrame(evidence, 0) });
    evidence.timeline = evidence.timeline.filter(({ event }) => event !== 'drained' && event !== 'controls-sent');
    evidence.states = [{ before: null, after: null }];
    expect(judge(evidence, 1).verdict).toBe('broken');
  });

  it('counts each frame once, however often it is seen', () => {
    const evidence = perfectRun();
    for (let i = 0; i < 3; i += 1)
      addFrames(evidence, { observer: 'c', outgoing: true, bytes: probeFrame(evidence, 5) });
    expect(judge(evidence).steps[0]?.findings.find(({ leak }) => leak)?.seen).toBe(1);
  });

  it('is none on its way in: only what is handed to a guest counts', () => {
    const evidence = perfectRun();
    addFrames(evidence, { observer: 'c', outgoing: false, bytes: probeFrame(evidence, 5) });
    expect(judge(evidence).steps[0]?.findings.filter(({ leak }) => leak)).toEqual([]);
  });
});

describe('frames kept in memory because the disk was full', () => {
  const keep = (evidence: Evidence, observer: string, bytes: Uint8Array, towards = true, atNs = '1'): void =>
    void evidence.timeline.push({
      atNs,
      monoMs: 1,
      step: 0,
      event: 'kept',
      observer,
      towards,
      frame: Buffer.from(bytes).toString('base64'),
    });

  it('a leak among them is broken, and named by its place in the timeline', () => {
    const evidence = perfectRun();
    keep(evidence, 'c', probeFrame(evidence, 3));
    const result = judge(evidence);
    expect(result).toMatchObject({ verdict: 'broken', exitCode: 2 });
    expect(result.steps[0]?.findings.find(({ leak }) => leak)?.firstSighting).toMatchObject({
      file: 'timeline.ndjson',
      frame: 1,
    });
    expect(codes(result)).toContain('evidence-incomplete');
  });

  it('count in the order in which they came, whichever observer is listed first', () => {
    const probes = step().probes.map((probe) => ({ ...probe, to: ['c'] }));
    const verdictOf = (entering: string, overheard: string): readonly string[] => {
      const evidence = perfectRun(scenario([step({ probes })]));
      // c, who was to get it, says it again; b overhears it
      keep(evidence, 'b', probeFrame(evidence, 3), true, overheard);
      keep(evidence, 'c', probeFrame(evidence, 3), false, entering);
      const result = judge(evidence);
      return [result.verdict, ...codes(result).filter((code) => code === 'replayed')];
    };
    expect(verdictOf('1', '2')).toEqual(['inconclusive', 'replayed']);
    expect(verdictOf('2', '2')).toEqual(['inconclusive', 'replayed']);
    expect(verdictOf('3', '2')).toEqual(['broken']);
  });

  it('without a leak among them nothing is proved', () => {
    const evidence = perfectRun();
    keep(evidence, 'b', probeFrame(evidence, 3));
    expect(judge(evidence)).toMatchObject({ verdict: 'inconclusive', exitCode: 3 });
    expect(codes(judge(evidence))).toContain('evidence-incomplete');
  });
});

/** Every single thing that a *holds* rests on, and what takes it away. */
const pieces: Readonly<Record<string, (evidence: Evidence) => void>> = {
  'a control frame is missing': (evidence) =>
    void evidence.frames.splice(
      evidence.frames.findIndex((frame) => frame.outgoing),
      1,
    ),
  'an observer never listened': (evidence) => {
    evidence.timeline = evidence.timeline.filter((entry) => entry.event !== 'listening' || entry.observer !== 'c');
  },
  'an observer began late': (evidence) => {
    const late = evidence.timeline.filter((entry) => entry.event === 'listening' && entry.observer === 'c');
    evidence.timeline = [...evidence.timeline.filter((entry) => !late.includes(entry)), ...late];
  },
  'controls were not sent': (evidence) => {
    evidence.timeline = evidence.timeline.filter((entry) => entry.event !== 'controls-sent' || entry.phase !== 'after');
  },
  'a probe was not sent': (evidence) => {
    evidence.timeline = evidence.timeline.map((entry) =>
      entry.event === 'sent' ? { ...entry, accepted: entry.accepted - 1 } : entry,
    );
  },
  'no probe was sent': (evidence) => {
    evidence.timeline = evidence.timeline.filter((entry) => entry.event !== 'sent');
  },
  'the wait was cut short': (evidence) => {
    evidence.timeline = evidence.timeline.filter((entry) => entry.event !== 'drained');
  },
  'the capture did not end': (evidence) => {
    evidence.timeline = evidence.timeline.filter((entry) => entry.event !== 'stopped');
  },
  'the step did not end': (evidence) => {
    evidence.timeline = evidence.timeline.filter((entry) => entry.event !== 'step-ended');
  },
  'frames were dropped': (evidence) => {
    evidence.timeline = evidence.timeline.map((entry) =>
      entry.event === 'stopped'
        ? { ...entry, counters: { ...entry.counters, c: { received: 100, dropped: 1, delivered: 99 } } }
        : entry,
    );
  },
  'the counters have a gap': (evidence) => {
    evidence.timeline = evidence.timeline.map((entry) =>
      entry.event === 'stopped'
        ? { ...entry, counters: { ...entry.counters, c: { received: 100, dropped: 0, delivered: 99 } } }
        : entry,
    );
  },
  'the state before is missing': (evidence) => {
    evidence.states = evidence.states.map(({ after }) => ({ before: null, after }));
  },
  'the state after is missing': (evidence) => {
    evidence.states = evidence.states.map(({ before }) => ({ before, after: null }));
  },
  'the wall clock was set': (evidence) => {
    evidence.timeline = evidence.timeline.map((entry) =>
      entry.event === 'stopped' ? { ...entry, atNs: '60000000000' } : entry,
    );
  },
  "the probes did not show on the sender's port": (evidence) => {
    evidence.frames = evidence.frames.filter((frame) => frame.observer !== 'a' || frame.outgoing);
  },
  'the key is missing': (evidence) => {
    evidence.run = { ...evidence.run, key: null };
  },
  'the key is another': (evidence) => {
    evidence.run = { ...evidence.run, key: '11'.repeat(32) };
  },
  'the capture was never closed': (evidence) => {
    evidence.run = { ...evidence.run, capture: { sha256: 'other', packets: evidence.frames.length } };
  },
  'a fault was told': (evidence) =>
    void evidence.timeline.push({
      atNs: '1',
      monoMs: 1,
      step: 0,
      event: 'fault',
      fault: { code: 'interface-down', observers: ['c'], text: 'p2 went down' },
    }),
  'an addressee got too little': (evidence) => {
    evidence.frames = evidence.frames.filter(
      (frame, index) => frame.observer !== 'b' || !frame.outgoing || index % 2 === 0,
    );
  },
};

describe('a holds with one piece of its proof taken away is inconclusive', () => {
  for (const [name, takeAway] of Object.entries(pieces)) {
    it(name, () => {
      const evidence = perfectRun();
      const packets = evidence.frames.length;
      takeAway(evidence);
      const result = judge(evidence, packets);
      expect(result.verdict).toBe('inconclusive');
      expect(result.exitCode).toBe(3);
      expect(codes(result).length).toBeGreaterThan(0);
    });
  }

  it('any single frame', () => {
    const whole = perfectRun();
    fc.assert(
      fc.property(fc.nat(whole.frames.length - 1), (index) => {
        const evidence = { ...whole, frames: whole.frames.filter((_, at) => at !== index) };
        expect(judge(evidence, whole.frames.length).verdict).toBe('inconclusive');
      }),
    );
  });

  const settings = { ageing_time: 0, flood: false, mtu: 9000, master: null, ifindex: 77, promiscuity: 5 } as const;
  for (const [name, value] of Object.entries(settings)) {
    it(`${name} changed meanwhile`, () => {
      const evidence = perfectRun();
      const [states] = evidence.states;
      if (states?.after === undefined || states.after === null) throw new Error('no state');
      const links = states.after.links.map((link) => {
        if (name === 'ageing_time')
          return link.bridge === null ? link : { ...link, bridge: { ...link.bridge, [name]: 0 } };
        if (name === 'flood') return link.name === 'p2' ? { ...link, port: { ...link.port, flood: false } } : link;
        return link.name === 'p2' ? { ...link, [name]: value } : link;
      });
      evidence.states = [{ before: states.before, after: { ...states.after, links } }];
      const result = judge(evidence);
      expect(result.verdict).toBe('inconclusive');
      expect(codes(result)).toContain('settings-changed');
    });
  }
});

describe('order', () => {
  it('of the frames in the capture does not matter', () => {
    const whole = perfectRun();
    addFrames(whole, { observer: 'c', outgoing: true, bytes: probeFrame(whole, 2) });
    const expected = judge(whole).steps[0]?.findings.map(({ observer, seen, leak }) => ({ observer, seen, leak }));
    fc.assert(
      fc.property(fc.shuffledSubarray(whole.frames, { minLength: whole.frames.length }), (frames) => {
        const result = judge({ ...whole, frames: [...frames] });
        expect(result.steps[0]?.findings.map(({ observer, seen, leak }) => ({ observer, seen, leak }))).toEqual(
          expected,
        );
      }),
    );
  });
});
