import { describe, expect, it } from 'vitest';
import { setBridge, setPort } from '../../../../../src/core/bridge/changes.js';
import { fixText } from '../../../../../src/core/fix/fix-text.js';
import { leakGroups, rankCauses } from '../../../../../src/core/judge/explain/leak-groups.js';
import { LeakFolder } from '../../../../../src/core/judge/rows/folded-leaks.js';
import type { Change } from '../../../../../src/core/model/fabric.js';
import type { Cause, Finding } from '../../../../../src/core/model/result.js';
import { findings } from '../../../../support/report/fixture.js';
import { flow, step } from '../../../../support/judge/leak-fixture.js';

const cause = (code: Cause['code'], place: string, ...changes: readonly Change[]): Cause => ({
  code,
  place,
  value: '0',
  text: 'text',
  fix: fixText({ changes }),
  changes,
});
const hub = cause('ageing-zero', 'br0.ageing_time', setBridge('br0', 'ageing_time', 30_000));
const flood = (port: string): Cause => cause('unknown-flood', `${port}.flood`, setPort(port, 'flood', false));
const leaks = (from: string, to: string, observer: string, causes: readonly Cause[]): readonly Finding[] =>
  findings(from, to, 'raw', { [to]: 100, [observer]: 7 }, { causes });

describe('the leaks of a step by cause', () => {
  it('are sets of who sends, to whom and who hears, with all that has to be typed for each way to end them', () => {
    const [group, ...others] = leakGroups([
      ...leaks('a', 'b', 'c', [hub, flood('p2')]),
      ...leaks('b', 'a', 'c', [hub, flood('p2')]),
      ...leaks('a', 'b', 'd', [hub, flood('p3')]),
      ...leaks('a', 'b', 'br0', [hub]),
    ]);
    expect(others).toEqual([]);
    expect(group).toMatchObject({
      cause: 'ageing-zero',
      from: ['a', 'b'],
      to: ['b', 'a'],
      observers: ['c', 'd', 'br0'],
      rows: 4,
      sent: 400,
      seen: 28,
    });
    expect(group?.causes.map(({ code, fixes, places, rows }) => [code, fixes, places, rows])).toEqual([
      ['ageing-zero', [hub.fix], ['br0.ageing_time'], 4],
      ['unknown-flood', [flood('p2').fix, flood('p3').fix], ['p2.flood', 'p3.flood'], 3],
    ]);
  });

  it('name the one guest that sends or observes each of them, among several senders and observers', () => {
    const odd = (...groups: readonly (readonly Finding[])[]): unknown => leakGroups(groups.flat())[0]?.odd;
    const [toC, fromC] = [leaks('a', 'b', 'c', [hub]), leaks('c', 'b', 'd', [hub])];
    expect(odd(toC, fromC)).toBe('c');
    expect(odd(toC, fromC, leaks('a', 'b', 'd', [hub]))).toBeUndefined();
    expect(odd(toC, leaks('b', 'a', 'c', [hub]))).toBeUndefined();
  });

  it('carry each fix once, as commands and as data', () => {
    const locked = cause(
      'source-unchecked',
      'p2.locked',
      setPort('p2', 'learning', false),
      setBridge('br0', 'stp_state', 1),
    );
    const [group] = leakGroups([...leaks('a', 'b', 'c', [locked]), ...leaks('b', 'a', 'c', [locked])]);
    expect(group?.causes[0]).toMatchObject({
      fixes: ['bridge link set dev p2 learning off', 'ip link set dev br0 type bridge stp_state 1'],
      changes: locked.changes,
    });
  });

  it('carry a fix that is text alone as it stands', () => {
    const { changes: _, ...old } = hub;
    const [group] = leakGroups([...leaks('a', 'b', 'c', [{ ...old, fix: 'nft x && nft y' }])]);
    expect(group?.causes[0]?.fixes).toEqual(['nft x && nft y']);
    expect(group?.causes[0]).not.toHaveProperty('changes');
  });

  it('are apart where their cause, its bridge or who accepts them is another; the one with most rows comes first', () => {
    const secondHub = { ...hub, place: 'br1.ageing_time' };
    const accepted = { reason: 'known', owner: null, ticket: null, until: null };
    const groups = leakGroups([
      ...leaks('a', 'b', 'c', [hub]),
      ...leaks('x', 'y', 'z', [secondHub]),
      ...leaks('y', 'x', 'z', [secondHub]),
      ...leaks('a', 'b', 'd', [hub]).map((row) => ({ ...row, accepted })),
      ...leaks('a', 'b', 'e', [flood('p9')]),
    ]);
    expect(groups.map(({ causes, observers, accepted: by }) => [causes[0]?.places[0], observers, by?.reason])).toEqual([
      ['br1.ageing_time', ['z'], undefined],
      ['br0.ageing_time', ['c'], undefined],
      ['br0.ageing_time', ['d'], 'known'],
      ['p9.flood', ['e'], undefined],
    ]);
  });

  it('whose causes nobody looked for are told as unexplained, and never left out', () => {
    const [group] = leakGroups(leaks('a', 'b', 'c', []));
    expect(group).toMatchObject({ cause: 'unexplained', observers: ['c'], rows: 1 });
  });

  it('count what has no row of its own, each once', () => {
    const row = leaks('a', 'b', 'c', []).find(({ leak }) => leak);
    const [observer] = step.observers;
    if (row === undefined || observer === undefined || flow === undefined) throw new Error('no row');
    const folder = new LeakFolder(() => 0, 0);
    const kind = {};
    for (const [at, from] of ['a', 'b', 'c'].entries())
      folder.add({ kind, flow: { ...flow, id: at, from, to: 'x' }, observer, sent: 5, seen: 4 }, () => row);
    const grouped = { ...row, from: '*', to: '*', grouped: 3, sent: 15, seen: 12 };
    const asked: Finding[] = [];
    const groups = leakGroups([row, grouped], folder.folded(), (leak) => {
      asked.push(leak);
      return [hub];
    });
    expect(groups).toHaveLength(1);
    expect(groups[0]).toMatchObject({ cause: 'ageing-zero', from: ['a', 'b', 'c'], rows: 4, sent: 115, seen: 19 });
    expect(asked).toHaveLength(2);
  });
});

describe('the causes of a leak', () => {
  const open = (...ports: readonly string[]): Cause =>
    cause('not-isolated', ports.map((port) => `${port}.isolated`).join(', '));
  const ranked = (
    leaks: readonly { readonly rows: number; readonly causes: readonly Cause[] }[],
  ): readonly string[][] => {
    const byReach = rankCauses(leaks);
    return leaks.map(({ causes }) => byReach(causes).map(({ code }) => code));
  };

  it('begin with the one port that explains all leaks of the step, before what each port lets through', () => {
    const odd = open('p3');
    const leaked = [
      { rows: 1, causes: [flood('p1'), odd] },
      { rows: 1, causes: [flood('p2'), odd] },
      { rows: 2, causes: [flood('p3'), odd] },
      { rows: 1, causes: [odd] },
    ];
    expect(ranked(leaked).map(([first]) => first)).toEqual(Array.from({ length: 4 }, () => 'not-isolated'));
  });

  it('stay in the order of how specific they are where as many ports would have to be closed', () => {
    const leaked = [
      { rows: 1, causes: [flood('p1'), open('p1', 'p2')] },
      { rows: 1, causes: [flood('p2'), open('p1', 'p2')] },
    ];
    expect(ranked(leaked).map(([first]) => first)).toEqual(['unknown-flood', 'unknown-flood']);
  });

  it('end with what is open at both ports of a leak, however many leaks that explains', () => {
    const sender = (port: string): Cause => cause('source-unchecked', `${port}.locked`);
    const leaked = [
      { rows: 4, causes: [sender('p1'), open('p1', 'p2')] },
      { rows: 9, causes: [open('p1', 'p2')] },
    ];
    expect(ranked(leaked)).toEqual([['source-unchecked', 'not-isolated'], ['not-isolated']]);
  });

  it('end with what takes most ports for the same leaks', () => {
    const leaked = ['p1', 'p2', 'p3'].map((port) => ({ rows: 5, causes: [flood(port), hub] }));
    expect(ranked(leaked)[0]).toEqual(['ageing-zero', 'unknown-flood']);
  });
});
