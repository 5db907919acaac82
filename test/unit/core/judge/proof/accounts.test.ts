import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AccountReading, withReading } from '../../../../../src/core/protocol/account-window.js';
import { accountReasons, unheardBetween } from '../../../../../src/core/judge/proof/accounts.js';
import { stepFacts } from '../../../../../src/core/judge/proof/step-facts.js';
import type { Account, AccountWindow } from '../../../../../src/core/model/timeline.js';
import { perfectRun } from '../../../../support/judge/perfect-run.js';

const veth: Account = { observers: ['c'], ports: ['p2'], kind: 'veth', held: 2, processors: 2 };
const tap: Account = { ...veth, kind: 'tap', held: 502 };

/**
 * A port as a kernel has it: a frame is offered to the ears, is under way, and is counted; at most `held` are under way.
 * `hidden` ones are counted without being offered.
 */
class Port {
  #heard = 0;
  #underWay = 0;
  #sent = 1000;
  #dropped = 0;
  hidden = 0;
  constructor(readonly held: number) {}
  act(what: 'offer' | 'count' | 'drop' | 'hide' | 'hide and drop'): void {
    if (what === 'offer' && this.#underWay < this.held)
      [this.#heard, this.#underWay] = [this.#heard + 1, this.#underWay + 1];
    if (what === 'count' && this.#underWay > 0) [this.#sent, this.#underWay] = [this.#sent + 1, this.#underWay - 1];
    if (what === 'drop' && this.#underWay > 0)
      [this.#dropped, this.#underWay] = [this.#dropped + 1, this.#underWay - 1];
    if (what === 'hide') [this.#sent, this.hidden] = [this.#sent + 1, this.hidden + 1];
    if (what === 'hide and drop') this.#dropped += 1;
  }
  counters(): AccountReading['before'] {
    return { sent: this.#sent, dropped: this.#dropped };
  }
  heard(): number {
    return this.#heard;
  }
  rest(): void {
    while (this.#underWay > 0) this.act('count');
  }
}

type Act = Parameters<Port['act']>[0];
const honest: readonly Act[] = ['offer', 'offer', 'offer', 'count', 'count', 'count', 'drop'];
const acts = (allowed: readonly Act[]): fc.Arbitrary<Act[]> => fc.array(fc.constantFrom(...allowed), { maxLength: 12 });
/** What happens within each reading of a window: before the ears are read, and before the counter is read again. */
const windowOf = (allowed: readonly Act[]): fc.Arbitrary<readonly (readonly [Act[], Act[], Act[]])[]> =>
  fc.array(fc.tuple(acts(allowed), acts(allowed), acts(allowed)), { minLength: 1, maxLength: 8 });

function readWindow(port: Port, readings: readonly (readonly [Act[], Act[], Act[]])[]): AccountWindow {
  let window: AccountWindow | null = null;
  for (const [first, second, third] of readings) {
    first.forEach((act) => port.act(act));
    const before = port.counters();
    second.forEach((act) => port.act(act));
    const heard = port.heard();
    third.forEach((act) => port.act(act));
    window = withReading(window, { before, heard, after: port.counters() });
  }
  if (window === null) throw new Error('no reading');
  return window;
}

describe('the account of a port', () => {
  it('never has more frames for certain than were hidden, whatever the traffic and whenever it is read', () => {
    const everything: readonly Act[] = [...honest, 'hide', 'hide and drop'];
    fc.assert(
      fc.property(windowOf(everything), acts(everything), windowOf(everything), (first, between, last) => {
        const port = new Port(veth.held);
        const before = readWindow(port, first);
        between.forEach((act) => port.act(act));
        const after = readWindow(port, last);
        expect(unheardBetween(veth, before, after).certain).toBeLessThanOrEqual(port.hidden);
      }),
    );
  });

  it('of a busy port on which nothing is hidden is even', () => {
    fc.assert(
      fc.property(windowOf(honest), acts(honest), windowOf(honest), (first, between, last) => {
        const port = new Port(veth.held);
        const before = readWindow(port, first);
        between.forEach((act) => port.act(act));
        const unheard = unheardBetween(veth, before, readWindow(port, last));
        expect([unheard.certain, unheard.orDropped]).toEqual([0, undefined]);
      }),
    );
  });

  const atRest = Array.from({ length: 6 }, (): [Act[], Act[], Act[]] => [[], [], []]);

  it('does not close where as many frames were dropped as were hidden', () => {
    const port = new Port(veth.held);
    const before = readWindow(port, atRest);
    for (let i = 0; i < 50; i += 1) for (const act of ['offer', 'drop', 'hide'] as const) port.act(act);
    const after = readWindow(port, atRest);
    expect(unheardBetween(veth, before, after)).toEqual({ certain: 0, settled: null, orDropped: 48 });
  });

  it('has exactly what was hidden where the port is at rest before and after', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<Act>('offer', 'count', 'hide'), { maxLength: 80 }), (between) => {
        const port = new Port(veth.held);
        const before = readWindow(port, atRest);
        between.forEach((act) => port.act(act));
        port.rest();
        expect(unheardBetween(veth, before, readWindow(port, atRest)).settled).toBe(port.hidden);
      }),
    );
  });

  it('is not settled by few readings, by drops, at an end that polls, nor by a tap whose reader sleeps', () => {
    const port = new Port(veth.held);
    const few = readWindow(port, atRest.slice(0, 4));
    const quiet = readWindow(port, atRest);
    port.act('offer');
    port.act('drop');
    const dropped = readWindow(port, atRest);
    expect(unheardBetween(veth, quiet, quiet).settled).toBe(0);
    expect(unheardBetween(veth, few, quiet).settled).toBeNull();
    expect(unheardBetween(veth, quiet, dropped).settled).toBeNull();
    expect(unheardBetween({ ...veth, held: 514 }, quiet, quiet).settled).toBeNull();
    expect(unheardBetween({ ...tap, processors: 502 }, quiet, quiet).settled).toBeNull();
  });

  type Reading = [Act[], Act[], Act[]];
  const between: Reading = [['offer', 'count'], [], []];
  const during: Reading = [['offer', 'count'], ['offer'], ['count']];

  it('is settled on a port that is never at rest where the bound is met between frames at several moments', () => {
    const port = new Port(veth.held);
    const busy = [between, during, between, during, between];
    const before = readWindow(port, busy);
    expect(before).toMatchObject({ still: false, meetings: 3, rest: 1 });
    port.act('hide');
    const after = readWindow(port, busy);
    expect(unheardBetween(veth, before, after)).toEqual({ certain: 0, settled: 1 });
  });

  it('is settled by even bounds alone where frames are counted during each reading', () => {
    const port = new Port(veth.held);
    const flooded = Array.from({ length: 6 }, () => during);
    const missing = Array.from(
      { length: 6 },
      (): Reading => [
        ['offer', 'count'],
        ['offer', 'offer'],
        ['count', 'count'],
      ],
    );
    const before = readWindow(port, missing);
    expect(before).toMatchObject({ meetings: 6 });
    expect(unheardBetween(veth, before, readWindow(port, missing))).toEqual({ certain: 0, settled: 0 });
    expect(unheardBetween(veth, before, readWindow(port, flooded))).toEqual({ certain: 0, settled: null });
  });

  it('is settled on a port that comes to rest within the window', () => {
    const port = new Port(veth.held);
    const comingToRest: [Act[], Act[], Act[]][] = [
      [['offer', 'count'], ['offer'], ['count']],
      [['offer'], ['count'], []],
      ...atRest,
    ];
    const before = readWindow(port, comingToRest);
    expect(before).toMatchObject({ still: false, rest: atRest.length });
    port.act('hide');
    expect(unheardBetween(veth, before, readWindow(port, comingToRest))).toEqual({ certain: 0, settled: 1 });
    expect(unheardBetween(veth, before, readWindow(port, comingToRest.slice(0, -2))).settled).toBeNull();
  });

  it('counts many hidden frames for certain at a tap, whose queue may hold as many as it has places', () => {
    const port = new Port(tap.held);
    const before = readWindow(port, atRest);
    for (let frame = 0; frame < 600; frame += 1) port.act('hide');
    expect(unheardBetween(tap, before, readWindow(port, atRest))).toEqual({ certain: 98, settled: null });
  });
});

describe('what is said of an account', () => {
  const window = (low: number): AccountWindow => ({
    readings: 6,
    low,
    high: low,
    droppedFirst: 0,
    droppedLast: 0,
    sentAtLow: 5,
    meetings: 1,
    still: true,
    rest: 6,
  });
  const factsWith = (accounts: Readonly<Record<string, Account>>, hidden: number, dropped = 0) => {
    const { plan } = perfectRun();
    const when = { atNs: '1', monoMs: 1, step: 0 } as const;
    const [name = ''] = Object.keys(accounts);
    const [facts] = stepFacts(plan, [
      { ...when, event: 'accounts', accounts },
      { ...when, event: 'accounts-read', when: 'before', windows: { [name]: window(3) } },
      {
        ...when,
        event: 'accounts-read',
        when: 'after',
        windows: { [name]: { ...window(3 + hidden), droppedLast: dropped } },
      },
    ]);
    if (facts === undefined) throw new Error('the run has no step');
    return facts;
  };

  it('is nothing where it closes', () => expect(accountReasons(factsWith({ p2: veth }, 0))).toEqual([]));

  it('names the port, its observer and how many frames nobody heard', () => {
    expect(accountReasons(factsWith({ p2: veth }, 1))).toEqual([
      {
        code: 'unheard-frames',
        observer: 'c',
        text: '1 frame left by p2 that no packet socket was offered: the kernel counted more than was heard there',
      },
    ]);
    expect(accountReasons(factsWith({ tap7: { ...tap, ports: ['tap7'] } }, 509))[0]?.text).toMatch(
      /^at least 7 frames left by tap7 /,
    );
  });

  it('leaves open what may have been dropped', () =>
    expect(accountReasons(factsWith({ p2: veth }, 42, 50))).toMatchObject([
      {
        code: 'unheard-frames',
        text: expect.stringMatching(/^at least 40 frames left by p2 .* or were dropped before/),
      },
    ]));

  it('of many ports in one account is of all of them', () => {
    const pool = { ...veth, observers: ['b', 'c'], ports: ['p1', 'p2'] };
    expect(accountReasons(factsWith({ br0: pool }, 12))).toMatchObject([
      { observer: null, text: expect.stringMatching(/^12 frames left by br0, 2 ports together, that/) },
    ]);
  });

  it('behind a port is what came to its guest past it', () => {
    const inside = { ...veth, kind: 'inside' as const };
    expect(accountReasons(factsWith({ 'p2 inside': inside }, 0))).toEqual([]);
    expect(accountReasons(factsWith({ 'p2 inside': inside }, 4))).toEqual([
      {
        code: 'unheard-frames',
        observer: 'c',
        text: '4 frames came to c that did not leave by p2: something hands them over past the port',
      },
    ]);
    // a busy one is not exact, however often its bound is met: the counters are read one after the other
    const busy = { ...window(3), still: false, rest: 0, meetings: 9 };
    expect(unheardBetween(inside, { ...busy, low: 0 }, busy)).toEqual({ certain: 0, settled: null });
    expect(unheardBetween(veth, { ...busy, low: 0, high: 0 }, busy).settled).toBe(3);
  });

  it('is nothing where a window is missing, as of a port that went away', () => {
    const facts = factsWith({ p2: veth }, 5);
    expect(accountReasons({ ...facts, accountsAfter: {} })).toEqual([]);
    expect(accountReasons({ ...facts, accountsBefore: {} })).toEqual([]);
  });
});
