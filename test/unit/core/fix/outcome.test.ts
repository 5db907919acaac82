import { describe, expect, it } from 'vitest';
import { fixOutcome } from '../../../../src/core/fix/outcome.js';
import type { ReasonCode } from '../../../../src/core/model/reasons.js';
import type { Cause, StepResult } from '../../../../src/core/model/result.js';
import { outcomeText } from '../../../../src/report/stories.js';
import { findings, result, step } from '../../../support/report/fixture.js';

const cause: Cause = {
  code: 'unknown-flood',
  place: 'vnet4.flood',
  value: 'on',
  text: 'it floods',
  fix: 'bridge link set dev vnet4 flood off',
};
const leak = step('as it was', {
  verdict: 'broken',
  findings: findings('kali2', 'lan', 'raw', { lan: 100, kali3: 100 }, { causes: [cause] }),
});
const fixed = step('with the fix', { findings: findings('kali2', 'lan', 'raw', { lan: 100, kali3: 0 }) });
const reach = (kali3: number): StepResult =>
  step('reach', { verdict: null, expected: null, findings: findings('lan', 'kali3', 'raw', { kali3 }) });
const at = { before: 0, reachBefore: 1, after: 2, reachAfter: 3 };
const outcome = (steps: readonly StepResult[]): ReturnType<typeof fixOutcome> =>
  fixOutcome({ cause: 'unknown-flood', at, gateways: ['lan'] }, result(steps));

describe('a fix', () => {
  it('works where nothing leaks any longer and everybody is still reached', () => {
    expect(outcome([leak, reach(100), fixed, reach(100)])).toMatchObject({
      outcome: 'works',
      before: 100,
      after: 0,
      cutOff: [],
    });
  });

  it('that cuts somebody off is no fix, whoever he is', () => {
    expect(outcome([leak, reach(100), fixed, reach(0)])).toMatchObject({ outcome: 'cuts-off', cutOff: ['kali3'] });
    const silent = step('with the fix', {
      verdict: 'inconclusive',
      findings: findings('kali2', 'lan', 'raw', { lan: 0, kali3: 0 }),
      reasons: [{ code: 'delivery-short', observer: 'lan', text: '' }],
    });
    expect(outcome([leak, reach(100), silent, reach(100)])).toMatchObject({ outcome: 'cuts-off', cutOff: ['lan'] });
  });

  it('is not blamed for who was not reached before it either', () => {
    expect(outcome([leak, reach(0), fixed, reach(0)])).toMatchObject({ outcome: 'works' });
  });

  it('that leaves some frames still leaks', () => {
    const half = step('with the fix', {
      verdict: 'broken',
      findings: findings('kali2', 'lan', 'raw', { lan: 100, kali3: 1 }),
    });
    expect(outcome([leak, reach(100), half, reach(100)])).toMatchObject({
      outcome: 'still-leaks',
      before: 100,
      after: 1,
    });
  });

  it('that ends the rows of its cause while others leak works in part', () => {
    const otherStep = step('with the fix', {
      verdict: 'broken',
      findings: [
        ...findings('kali2', 'lan', 'raw', { lan: 100, kali3: 0 }),
        ...findings('lan', 'kali2', 'raw', { kali2: 100, kali3: 9 }),
      ],
    });
    expect(outcome([leak, reach(100), otherStep, reach(100)])).toMatchObject({ outcome: 'partly', after: 0 });
  });

  it('is unproven where silence is not proven, or where the leak did not come back without it', () => {
    const deaf = step('with the fix', {
      ...fixed,
      verdict: 'inconclusive',
      reasons: [{ code: 'control-missing', observer: 'kali3', text: '' }],
    });
    expect(outcome([leak, reach(100), deaf, reach(100)])).toMatchObject({ outcome: 'unproven' });
    expect(outcome([fixed, reach(100), fixed, reach(100)])).toMatchObject({ outcome: 'unproven', after: null });
  });

  it('that the kernel refused has failed', () => {
    const refused = step('with the fix', {
      verdict: 'inconclusive',
      reasons: [{ code: 'step-failed', observer: null, text: 'bridge: refused' }],
    });
    expect(outcome([leak, reach(100), refused, reach(100)])).toMatchObject({
      outcome: 'failed',
      text: 'bridge: refused',
    });
  });
});

describe('what is counted of a fix', () => {
  type Row = StepResult['findings'][number];
  const [row] = findings('kali2', 'lan', 'raw', { kali3: 5 }, { causes: [cause] });
  if (row === undefined) throw new Error('the fixture has changed');
  const before = (...rows: readonly Row[]): StepResult => step('as it was', { verdict: 'broken', findings: rows });
  const after = (...rows: readonly Row[]): StepResult => step('with the fix', { verdict: 'broken', findings: rows });
  const reported = (was: StepResult, is: StepResult) => outcome([was, reach(100), is, reach(100)]);

  it('are the frames of rows that its cause explains, before and after', () => {
    const secondRow = { ...row, observer: 'winxp', seen: 7, causes: [{ ...cause, code: 'group-flood' as const }] };
    expect(
      reported(before(row, { ...row, carrier: 'arp', seen: 4 }, secondRow), after({ ...row, seen: 2 }, secondRow)),
    ).toMatchObject({ outcome: 'still-leaks', before: 9, after: 2, text: '2 of 9 frames are still seen' });
    expect(
      reported(before({ ...row, causes: [{ ...cause, code: 'group-flood' }, cause] }), after({ ...row, seen: 1 })),
    ).toMatchObject({ before: 5, after: 1 });
    expect(reported(before({ ...row, leak: false }), after(row))).toMatchObject({
      outcome: 'unproven',
      before: 0,
      after: null,
    });
  });

  it.each<[string, Partial<Row>]>([
    ['probe', { probe: 1 }],
    ['class', { class: 'broadcast' }],
    ['carrier', { carrier: 'arp' }],
    ['VLAN', { vlan: [10] }],
    ['variant', { variant: 'cdp' }],
    ['sender', { from: 'winxp' }],
    ['addressee', { to: null }],
    ['observer', { observer: 'winxp' }],
  ])('are none of a row of another %s', (_, over) => {
    expect(reported(before(row), after({ ...row, ...over }))).toMatchObject({
      outcome: 'partly',
      before: 5,
      after: 0,
      text: 'these rows leak no longer, others of the step still do',
    });
    expect(reported(before({ ...row, ...over }), after({ ...row, ...over }))).toMatchObject({
      outcome: 'no-effect',
      after: 5,
    });
  });

  it('is whoever got 99 % of all that was sent to it, and no longer does, each once', () => {
    const deliver = (...of: readonly (readonly [observer: string, seen: number, sent?: number | null])[]): StepResult =>
      step('reach', {
        verdict: null,
        expected: null,
        findings: of.map(
          ([observer, seen, sent = 100]): Row => ({
            ...row,
            to: observer,
            observer,
            seen,
            sent,
            allowed: 'must',
            leak: false,
            causes: [],
          }),
        ),
      });
    const cut = (was: StepResult, is: StepResult): readonly string[] => outcome([leak, was, fixed, is]).cutOff;
    expect([
      cut(deliver(['kali3', 99]), deliver(['kali3', 98])),
      cut(deliver(['kali3', 98]), deliver(['kali3', 0])),
      cut(deliver(['kali3', 100]), deliver(['kali3', 99])),
    ]).toEqual([['kali3'], [], []]);
    expect(cut(deliver(['kali3', 100], ['kali3', 100]), deliver(['kali3', 100], ['kali3', 97]))).toEqual(['kali3']);
    expect([
      cut(deliver(['kali3', 0, 0]), deliver()),
      cut(deliver(['kali3', 5, null]), deliver()),
      cut(deliver(['kali3', 1, 1]), deliver()),
    ]).toEqual([[], [], ['kali3']]);
    const free = step('reach', { findings: [{ ...row, allowed: 'may', seen: 100, leak: false }] });
    expect(cut(free, deliver())).toEqual([]);
    const both = outcome([
      leak,
      deliver(['lan', 100], ['kali3', 100]),
      step('with the fix', { findings: findings('kali2', 'lan', 'raw', { lan: 0, kali3: 0 }) }),
      deliver(),
    ]);
    expect(both).toMatchObject({
      outcome: 'cuts-off',
      cutOff: ['lan', 'kali3'],
      text: 'nothing leaks, but unicast no longer works for lan, kali3',
    });
    expect(outcome([leak, reach(100), fixed, reach(0)]).text).toBe(
      'nothing leaks, but unicast no longer works for kali3',
    );
  });

  it('is nothing where the trial ended early, or the step could not be carried out', () => {
    expect([outcome([]), outcome([leak, reach(100)])]).toEqual([
      expect.objectContaining({ outcome: 'unproven', before: 0, after: null, cutOff: [] }),
      expect.objectContaining({ outcome: 'unproven', before: 100, after: null }),
    ]);
    const reasons = (...codes: readonly ReasonCode[]): StepResult =>
      step('with the fix', {
        verdict: 'inconclusive',
        reasons: codes.map((code) => ({ code, observer: null, text: `told: ${code}` })),
      });
    for (const code of ['step-failed', 'unsupported', 'not-run', 'interrupted'] as const)
      expect(reported(leak, reasons('key-lost', code))).toEqual({
        outcome: 'failed',
        before: 100,
        after: null,
        cutOff: [],
        text: `told: ${code}`,
      });
    const unproven = step('with the fix', {
      ...fixed,
      verdict: 'inconclusive',
      reasons: (['key-lost', 'drain-incomplete', 'key-lost'] as const).map((code) => ({
        code,
        observer: null,
        text: '',
      })),
    });
    expect(reported(leak, unproven)).toMatchObject({
      outcome: 'unproven',
      after: 0,
      text: 'nothing was seen, but that is not proven: key-lost, drain-incomplete',
    });
  });
});

describe('what guests live on', () => {
  type Row = StepResult['findings'][number];
  const [like] = findings('kali2', 'lan', 'raw', { lan: 100 });
  if (like === undefined) throw new Error('the fixture has changed');
  const [guests, unicast] = [['kali2', 'kali3'], { class: 'known-unicast', carrier: 'raw' }] as const;
  const arp = { class: 'arp-request', carrier: 'arp' } as const;
  const dhcp = { class: 'broadcast', carrier: 'ipv4-udp' } as const;
  const row = (from: string, observer: string, kind: { readonly class: string; readonly carrier: string }): Row => ({
    ...like,
    ...kind,
    from,
    to: observer,
    observer,
    allowed: 'must',
    leak: false,
  });
  const whole = guests.flatMap((guest) => [
    row('lan', guest, unicast),
    row(guest, 'lan', unicast),
    row('lan', guest, arp),
    row(guest, 'lan', arp),
    row(guest, 'lan', dhcp),
    row(guest, guest === 'kali2' ? 'kali3' : 'kali2', unicast),
  ]);
  const look = (rows: readonly Row[]): StepResult => step('reach', { verdict: null, expected: null, findings: rows });
  const after = (isLost: (row: Row) => boolean): ReturnType<typeof fixOutcome> =>
    outcome([leak, look(whole), fixed, look(whole.map((each) => (isLost(each) ? { ...each, seen: 0 } : each)))]);

  it('is all there where a fix works', () => expect(after(() => false)).toMatchObject({ outcome: 'works' }));

  it('is ARP: who gets no request any longer is cut off', () => {
    const reported = after(({ class: name, observer }) => name === 'arp-request' && observer === 'kali3');
    expect(reported).toMatchObject({
      outcome: 'cuts-off',
      cutOff: ['kali3'],
      lost: [{ what: 'ARP', names: ['kali3'] }],
      text: 'nothing leaks, but ARP no longer works for kali3',
    });
  });

  it('is DHCP: who gets no discover through is cut off, and the gateway where it gets none', () => {
    expect(after(({ class: name, from }) => name === 'broadcast' && from === 'kali2').lost).toEqual([
      { what: 'DHCP', names: ['kali2'] },
    ]);
    expect(after(({ class: name }) => name === 'broadcast').lost).toEqual([{ what: 'DHCP', names: ['lan'] }]);
  });

  it('is each other: guests that reach the gateway and not each other are separated', () => {
    const reported = after(({ from, observer }) => from !== 'lan' && observer !== 'lan');
    expect(reported).toMatchObject({ outcome: 'separates', cutOff: [], separated: [['kali2', 'kali3']] });
    expect(reported).not.toHaveProperty('lost');
  });

  it('is not what the claim wants apart', () => {
    const unwanted = step('as it was', {
      verdict: 'broken',
      findings: findings('kali2', 'kali3', 'raw', { kali3: 100 }, { allowed: 'no', leak: true, causes: [cause] }),
    });
    const silent = step('with the fix', {
      findings: findings('kali2', 'kali3', 'raw', { kali3: 0 }, { allowed: 'no' }),
    });
    const apart = whole.map((each) =>
      each.from === 'kali2' && each.observer === 'kali3' ? { ...each, seen: 0 } : each,
    );
    expect(outcome([unwanted, look(whole), silent, look(apart)])).toMatchObject({ outcome: 'works' });
  });

  it('is in the words of a report', () => {
    const reported = (fix: ReturnType<typeof fixOutcome>): string =>
      outcomeText({ ...fix, cause: 'unexplained', commands: [], evidence: '', sha256: null });
    expect([
      reported(after(() => false)),
      reported(after(({ class: name, observer }) => name === 'arp-request' && observer === 'kali3')),
      reported(after(({ from, observer }) => from !== 'lan' && observer !== 'lan')),
      reported(outcome([leak, look(whole), leak, look(whole)])),
    ]).toEqual(['WORKS', 'CUTS OFF (ARP): kali3', 'SEPARATES kali2 and kali3', 'NO EFFECT']);
  });
});
