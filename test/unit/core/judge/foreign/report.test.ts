import { describe, expect, it } from 'vitest';
import { startForeign } from '../../../../../src/core/judge/foreign/foreign.js';
import { finishForeign } from '../../../../../src/core/judge/foreign/report.js';
import { foreignText, listenText } from '../../../../../src/report/terminal/foreign.js';
import {
  macs,
  type Name,
  numberOf,
  nameOf,
  frame,
  udp,
  type Heard,
  hear,
  listener,
  report,
  each,
} from '../../../../support/judge/foreign-fixture.js';

/** A frame of that moment. */
const at = (ns: bigint, bytes: Uint8Array): Heard => ({ bytes, ns });
const tcpAck = (from: Name, to: Name): Uint8Array => {
  const bytes = Buffer.alloc(60);
  bytes.set(Buffer.from(`${macs[to]}${macs[from]}`.replaceAll(':', ''), 'hex'));
  bytes.set([8, 0, 0x45, 0, 0, 45], 12);
  bytes.set([64, 6], 22);
  bytes.set([0, 80, 0xc0, 1], 34);
  bytes[46] = 0x50;
  bytes[47] = 0x10;
  return bytes;
};

describe('what a listener heard', () => {
  it('is its own, a group’s, or foreign, by its addresses', () => {
    const foreign = report(
      each(frame('own', 'a'), frame('a', 'own'), frame('a', 'all'), frame('a', 'b'), new Uint8Array(13)),
    );
    expect(foreign.files).toEqual([
      {
        path: 'one.pcapng',
        frames: 5,
        own: 2,
        group: 1,
        foreign: 1,
        passing: 0,
        unread: 1,
        first: '1970-01-01T00:00:00.000000000Z',
        last: '1970-01-01T00:00:04.000000000Z',
      },
    ]);
    expect(foreign).toMatchObject({
      listener: 'kali',
      macs: [macs.own],
      found: true,
      exitCode: 2,
      notKept: 0,
      pairs: [{ a: 'a', b: 'b', ways: 'one', otherWayExists: false }],
    });
    expect(foreign.limits).toHaveLength(1);
  });
  it('is passing at an uplink unless both ends live on this side', () => {
    const uplink = listener({ elsewhere: [numberOf('a'), numberOf('b')] });
    expect(
      report(each(frame('a', 'b'), frame('a', 'c'), frame('c', 'a'), frame('c', 'all')), uplink).files[0],
    ).toMatchObject({ foreign: 1, passing: 2, group: 1 });
  });
  it('is its own or a control where somebody else settled it, and unread where it is no Ethernet', () => {
    const foreign = report(each(frame('a', 'b'), frame('a', 'b'), frame('a', 'b'), frame('a', 'b')), listener(), {
      ethernet: (id) => id !== 2,
      settled: (packet) => (packet === 0 ? 'own' : 'control'),
    });
    expect(foreign.files[0]).toMatchObject({ own: 1, controls: 2, unread: 1, foreign: 0 });
    expect(report(each(frame('a', 'b').subarray(0, 14), frame('a', 'b').subarray(0, 13))).files[0]).toMatchObject({
      foreign: 1,
      unread: 1,
    });
    expect(report(each(frame('own', 'a'))).files[0]).not.toHaveProperty('controls');
  });
  it('is told by its pairs, the loudest first, with both directions together', () => {
    const foreign = report([
      at(9n, frame('c', 'a')),
      { bytes: frame('a', 'b'), ns: 30n, original: 1500 },
      at(20n, udp('a', 'b')),
      at(50n, udp('a', 'b')),
      at(40n, frame('b', 'a')),
    ]);
    expect(
      foreign.pairs.map(({ a, b, ways, heard }) => [
        a,
        b,
        ways,
        heard.map(({ from, to, frames }) => [from, to, frames]),
      ]),
    ).toEqual([
      [
        'a',
        'b',
        'both',
        [
          ['a', 'b', 3],
          ['b', 'a', 1],
        ],
      ],
      ['c', 'a', 'one', [['c', 'a', 1]]],
    ]);
    expect(foreign.pairs[0]?.reading).toMatch(/^both directions were heard/);
    expect(foreign.pairs[0]?.heard[0]).toMatchObject({
      octets: 1500 + 2 * udp('a', 'b').length,
      protocols: [
        { name: expect.stringMatching(/^UDP/), frames: 2 },
        { name: '0x88b5', frames: 1 },
      ],
      first: '1970-01-01T00:00:00.000000020Z',
      last: '1970-01-01T00:00:00.000000050Z',
      firstSighting: { file: 'one.pcapng', frame: 3 },
    });
  });
  it('is told in the order of time where pairs are as loud, then of names', () => {
    for (const ns of [4n, 5n])
      expect(report([at(5n, frame('c', 'b')), at(ns, frame('a', 'c'))]).pairs.map(({ a }) => a)).toEqual(['a', 'c']);
    expect(report([at(5n, frame('a', 'a'))]).pairs).toMatchObject([
      { a: 'a', b: 'a', ways: 'one', heard: [{ frames: 1 }] },
    ]);
  });
  it('began with the earliest of all its protocols, in either direction', () => {
    const order = (...frames: readonly Heard[]): readonly string[] =>
      report(frames).pairs.map(({ a, b }) => `${a} ${b}`);
    expect(order(at(9n, frame('a', 'b')), at(4n, frame('c', 'a')))).toEqual(['c a', 'a b']);
    for (const [first, second] of [
      [at(9n, frame('a', 'b')), at(3n, udp('a', 'b'))],
      [at(3n, frame('a', 'b')), at(9n, udp('a', 'b'))],
      [at(9n, frame('a', 'b')), at(3n, frame('b', 'a'))],
    ] as const)
      expect(order(at(5n, frame('c', 'a')), at(5n, udp('c', 'a')), first, second)).toEqual(['a b', 'c a']);
    expect(order(at(5n, frame('a', 'c')), at(5n, frame('c', 'b')), at(5n, frame('b', 'c')))).toEqual(['b c', 'a c']);
  });
  it('is first told where it was first captured, and protocols that are as loud by their names', () => {
    const [pair] = report([at(5n, udp('a', 'b')), at(5n, frame('a', 'b'))]).pairs;
    expect(pair?.heard[0]).toMatchObject({
      firstSighting: { frame: 1 },
      protocols: [{ name: '0x88b5' }, { name: expect.stringMatching(/^UDP/) }],
    });
    expect(report([at(5n, frame('a', 'b')), at(5n, udp('a', 'b'))]).pairs[0]?.heard[0]?.protocols[0]?.name).toBe(
      '0x88b5',
    );
  });
  it('answers where one of its protocols does', () =>
    expect(report(each(frame('a', 'b'), tcpAck('a', 'b'))).pairs[0]).toMatchObject({
      ways: 'one',
      otherWayExists: true,
    }));
  it('of one direction says whether the other exists', () => {
    const [answering] = report(each(tcpAck('a', 'b'))).pairs;
    expect(answering).toMatchObject({
      ways: 'one',
      otherWayExists: true,
      heard: [{ protocols: [{ name: 'TCP 80', frames: 1 }], payloadOctets: 5 }],
    });
    expect(answering?.reading).toContain('it answers frames of b that were not');
    expect(report(each(frame('a', 'b'))).pairs[0]?.reading).toContain('nothing shows that b ever answered');
  });
  it('over several files is one report, with the first file that had it', () => {
    const fold = startForeign(listener());
    hear(fold, 'x', [at(70n, frame('a', 'b'))]);
    hear(fold, 'y', [at(60n, frame('a', 'b')), at(10n, udp('a', 'b'))]);
    const reported = finishForeign(fold, nameOf);
    expect(reported.files.map(({ path, foreign }) => [path, foreign])).toEqual([
      ['x', 1],
      ['y', 2],
    ]);
    expect(reported.pairs[0]?.heard[0]).toMatchObject({
      frames: 3,
      firstSighting: { file: 'y', frame: 2 },
      first: '1970-01-01T00:00:00.000000010Z',
      last: '1970-01-01T00:00:00.000000070Z',
    });
  });
});

describe('nothing foreign', () => {
  it('is 0 where the ear is not deaf, and proves no isolation', () => {
    const foreign = report(each(frame('a', 'own')));
    expect(foreign).toMatchObject({ found: false, exitCode: 0, reasons: [], pairs: [] });
    expect(foreign.limits).toHaveLength(2);
  });
  it('is no verdict where something is amiss', () => {
    expect(report([])).toMatchObject({
      exitCode: 3,
      reasons: [{ code: 'nothing-to-hear', observer: 'kali' }],
      files: [{ first: null, last: null }],
    });
    const uplink = listener({ elsewhere: [numberOf('a'), numberOf('b')] });
    for (const heard of [
      [frame('a', 'own'), frame('a', 'all')],
      [frame('a', 'own'), frame('a', 'c')],
      [frame('a', 'all'), frame('a', 'c')],
    ])
      expect(report(each(...heard), uplink).reasons).toEqual([]);
    expect(report(each(frame('a', 'own'), new Uint8Array(3)))).toMatchObject({
      exitCode: 3,
      reasons: [
        {
          code: 'evidence-incomplete',
          text: 'one.pcapng: 1 of 2 frames are not Ethernet or end before their addresses do',
        },
      ],
    });
    const fold = startForeign(listener());
    const file = hear(fold, 'x', each(frame('a', 'all')));
    file.damages.push('a block is cut off');
    file.dropped = 4;
    const more = { code: 'key-lost', observer: null, text: 'more' } as const;
    expect(finishForeign(fold, nameOf, [more])).toMatchObject({
      exitCode: 3,
      reasons: [
        { code: 'capture-damaged', observer: 'kali', text: 'x, a block is cut off' },
        { code: 'frames-dropped', text: 'x: the kernel dropped 4 frames before they were captured' },
        more,
      ],
    });
  });
  it('that was amiss does not hide what was heard', () =>
    expect(report(each(frame('a', 'b'), new Uint8Array(3)))).toMatchObject({
      found: true,
      exitCode: 2,
      reasons: [{ code: 'evidence-incomplete' }],
    }));
});

it('says of a sender that is its own addressee what that is, instead of asking for its answer', () => {
  const [pair] = report(each(frame('a', 'a'))).pairs;
  expect(pair?.reading).toMatch(/sends to its own address/);
  expect(pair?.reading).not.toMatch(/answer/);
});

it('adds up in the terminal: own, group, foreign and what could not be read are all frames', () => {
  const foreign = foreignText(
    [report(each(frame('own', 'a'), frame('a', 'all'), frame('a', 'b'), new Uint8Array(13)))],
    {
      width: 200,
      color: false,
    },
  );
  expect(foreign).toContain('4 frames, 1 own, 1 broadcast and multicast, 1 foreign, 1 not read');
});

it('says no reader only where all that may hide one was read', () => {
  const text = (...notKnown: readonly string[]): readonly string[] =>
    listenText([], [], { width: 200, color: false, status: notKnown.length === 0 ? 0 : 3, notKnown }).split('\n');
  expect(text()).toContain('NOTHING FOUND: no reader on this host; foreign unicast at 0 of 0 ports; exit status 0');
  const unknown = text('programs: it is refused');
  expect(unknown).toContain('not known: programs: it is refused');
  expect(unknown).toContain(
    'INCONCLUSIVE: readers on this host are not known; foreign unicast at 0 of 0 ports; exit status 3',
  );
});
