import { describe, expect, it } from 'vitest';
import { ageingEntries } from '../../../../../src/core/judge/explain/ageing-entries.js';
import type { Plan } from '../../../../../src/core/model/plan.js';
import type { FdbState, HostState } from '../../../../../src/core/model/state.js';
import { exposedText, exposuresOf } from '../../../../../src/report/answer/exposures.js';
import { answerOf } from '../../../../../src/report/answer/answer.js';
import { bridge, entry, host, links, macOfB, plan, port, step } from '../../../../support/judge/row-fixture.js';
import { result, step as stepResult } from '../../../../support/report/fixture.js';

const open = { ...step, expect: { ...step.expect, open: [{ probe: 0, observers: ['a', 'b', 'c'] }] } };

interface Settings {
  readonly learning?: boolean;
  readonly flood?: boolean;
  readonly ageing?: number;
  readonly found?: Partial<FdbState> | null;
}

/** A bridge with a, b and c, of which b is behind p1. */
function hostWith({ learning = false, flood = true, ageing = 30_000, found = {} }: Settings): HostState {
  return host({
    links: [
      bridge({ ageing_time: ageing }),
      port(links.p0, { learning: true, flood }),
      port(links.p1, { learning, flood: true }),
      port(links.p2, { learning: true, flood }),
    ],
    fdb: found === null ? [] : [entry(found)],
  });
}

describe('an entry that ages at a port that learns nothing', () => {
  it('is told with the port, and with the command that keeps it', () => {
    const group = ageingEntries(plan, open, hostWith({}));
    expect(group).toMatchObject({ cause: 'learning-off', to: ['b'], rows: 0, seen: 0 });
    expect(group?.causes).toEqual([
      expect.objectContaining({
        places: ['p1.learning'],
        text: 'p1 learns nothing: once its entry expires, all frames to it flood',
        fixes: [`bridge fdb replace ${macOfB} dev p1 master static`],
      }),
    ]);
  });

  it.each<[string, Settings]>([
    ['the port learns', { learning: true }],
    ['the entry is static', { found: { state: 'static' } }],
    ['the entry is permanent', { found: { state: 'permanent' } }],
    ['a controller keeps the entry', { found: { flags: ['extern_learn'] } }],
    ['the entry is of another MAC', { found: { mac: '02:00:00:00:00:99' } }],
    ['the entry is at another port', { found: { port: 'p2' } }],
    ['there is no entry: what is sent floods now', { found: null }],
    ['no other port gets what floods', { flood: false }],
    ['nothing is learned at all, and floods now', { ageing: 0 }],
  ])('is not told where %s', (_, settings) => {
    expect(ageingEntries(plan, open, hostWith(settings))).toBeNull();
  });

  const unknown: Plan = {
    ...plan,
    endpoints: plan.endpoints.map((endpoint) => (endpoint.port === 'p1' ? { ...endpoint, macs: [] } : endpoint)),
  };

  it('is told of a guest whose MAC is not known, to which nothing is sent: what others send to it floods now', () => {
    const group = ageingEntries(unknown, open, hostWith({ found: null }));
    expect(group?.causes).toEqual([
      expect.objectContaining({
        text: 'p1 learns nothing and has no entry: all frames to it flood',
        fixes: ['bridge fdb replace MAC dev p1 master static'],
      }),
    ]);
    if (group === null) throw new Error('nothing is told');
    const run = result([stepResult('one', { exposures: [group] })]);
    expect(exposuresOf(run).map(({ what }) => what)).toEqual([
      'p1 learns nothing and has no entry: all frames to it flood',
    ]);
  });

  it('is told of an uplink beyond which no MAC is known: it may learn again', () => {
    const endpoints = unknown.endpoints.map((known) =>
      known.port === 'p1' ? { ...known, role: 'uplink' as const } : known,
    );
    const group = ageingEntries({ ...unknown, endpoints }, open, hostWith({ found: null }));
    expect(group?.causes).toEqual([
      expect.objectContaining({ value: 'off, no entry', fixes: ['bridge link set dev p1 learning on'] }),
    ]);
  });

  it.each<[string, Settings]>([
    ['its port has a static entry', { found: { state: 'static' } }],
    ['its port learns', { learning: true, found: null }],
    ['no other port gets what floods', { flood: false, found: null }],
  ])('is not told of a guest whose MAC is not known where %s', (_, settings) => {
    expect(ageingEntries(unknown, open, hostWith(settings))).toBeNull();
  });

  it('is told only where the step says who is open to what by design, and the state was read', () => {
    expect(ageingEntries(plan, step, hostWith({}))).toBeNull();
    expect(ageingEntries(plan, open, null)).toBeNull();
  });

  it('is EXPOSED in the answer, once for all steps, beside what was seen', () => {
    const group = ageingEntries(plan, open, hostWith({}));
    if (group === null) throw new Error('nothing is told');
    const seen = {
      ...group,
      cause: 'unknown-flood' as const,
      classes: ['unknown-unicast'],
      rows: 3,
      seen: 3,
      causes: [],
    };
    const run = result([stepResult('one', { exposures: [group, seen] }), stepResult('two', { exposures: [group] })]);
    expect(exposuresOf(run).map(({ what }) => what)).toEqual([
      'p1 learns nothing: once its entry expires, all frames to it flood',
      'unknown unicast floods',
    ]);
    const [exposure] = exposuresOf(run);
    if (exposure === undefined) throw new Error('nothing is exposed');
    expect(exposure).toMatchObject({
      fixes: [`bridge fdb replace ${macOfB} dev p1 master static`],
      cost: 'the entry has to follow the guest when it moves',
    });
    expect(exposedText(run)).toBe('EXPOSED: 2 things any guest can try');
    expect(answerOf({ result: { ...run, verdict: 'holds' }, dir: null, details: null }).sentence).toContain(
      'EXPOSED: 2 things',
    );
  });
});
