import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  again,
  alike,
  type LabRun,
  overheard,
  rows,
  runLab,
  threeOn,
  writeScenario,
} from '../../support/lab/program.js';
import { patient } from '../../support/patient.js';

/** What the run wrote down of every change: the kernel's answer when it was read back. */
const readBacks = (dir: string): readonly string[] =>
  readFileSync(join(dir, 'timeline.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter(({ event }) => event === 'changed')
    .map(({ readBack }) => String(readBack));
/** Flags of a device as /sys has them, before and after each step. */
const flagsOf = (dir: string, step: number, device: string): readonly number[] =>
  ['before', 'after'].map(
    (when) =>
      JSON.parse(readFileSync(join(dir, 'state', `${step}-${when}.json`), 'utf8')).links.find(
        (link: { name: string }) => link.name === device,
      ).sysFlags,
  );

const switched = '{ ageing_time: 30s }';
const reported = async (file: string): Promise<unknown> => {
  const { status, result } = await runLab(file);
  return {
    status,
    verdicts: result.steps.map(({ verdict }) => verdict),
    reasons: result.steps.flatMap(({ reasons }) => reasons.map(({ code }) => code)),
  };
};

type Case = readonly [what: string, file: string, verdicts: readonly (string | null)[], reasons: readonly string[]];
type Act = readonly [what: string, step: string, verdict: string | null];

/**
 * Each says all that it needs to be set: they stand in one run, one after the other, since a lab of its own takes
 * longer than a step.
 */
const acts: readonly Act[] = [
  [
    'unknown unicast with flood on: broken',
    'probe: [ { class: unknown-unicast, from: a } ], expect: { verdict: broken, seen: { b: all, c: all } }',
    'broken',
  ],
  [
    'unknown unicast with flood off: holds',
    'set: { p1: { flood: off }, p2: { flood: off } }, probe: [ { class: unknown-unicast, from: a } ]',
    'holds',
  ],
  [
    'broadcasts by ARP to one guest only, bcast_flood on: broken',
    'set: { p1: { flood: on }, p2: { flood: on } }, probe: [ { class: broadcast, from: a, carriers: [arp] } ], expect: { verdict: broken, may_see: [b], seen: { b: all, c: all } }',
    'broken',
  ],
  [
    'the same by ARP and raw with bcast_flood off on the other: holds',
    'set: { p2: { bcast_flood: off } }, probe: [ { class: broadcast, from: a, carriers: [arp, raw] } ], expect: { may_see: [b], seen: { b: all, c: none } }',
    'holds',
  ],
  [
    'pings as probes and tags: known unicast by ICMP, UDP and raw with two tags, private',
    'set: { p2: { bcast_flood: on } }, probe: [ { class: known-unicast, from: a, to: b, carriers: [ipv4-icmp, ipv4-udp] }, { class: known-unicast, from: b, to: c, carriers: [raw], vlan: [10, [1, 10]] } ], expect: private',
    'holds',
  ],
  [
    'listening while two others talk: holds',
    'listen: { for: 500ms }, traffic: { kind: ping, from: a, to: b, requests: 5 }, expect: { observers: [c] }',
    'holds',
  ],
  [
    'isolated ports are separated',
    'set: { p0: { isolated: on }, p1: { isolated: on } }, probe: [ { class: known-unicast, from: a, to: b } ], expect: separated',
    'holds',
  ],
  [
    'listening at ageing time 0: broken',
    'set: { br0: { ageing_time: 0 }, p0: { isolated: off }, p1: { isolated: off } }, listen: { for: 500ms }, traffic: { kind: ping, from: a, to: b, requests: 5 }, expect: { verdict: broken, observers: [c] }',
    'broken',
  ],
  ['what is unjudged has no verdict', 'probe: [ { class: known-unicast, from: a, to: b } ], expect: unjudged', null],
  [
    'the same with a leak expected: broken',
    'probe: [ { class: known-unicast, from: a, to: b } ], expect: leak',
    'broken',
  ],
  [
    'a guest that is stopped sees nothing',
    'stop: [c], probe: [ { class: unknown-unicast, from: a, may_see: [], seen: { b: all } } ], expect: leak',
    'broken',
  ],
  [
    'one that is started again does',
    'start: [c], probe: [ { class: known-unicast, from: a, to: b, seen: { c: all } } ], expect: leak',
    'broken',
  ],
];

describe('a step', alike, () => {
  let run: LabRun;
  beforeAll(async () => {
    run = await runLab(threeOn(switched, acts.map(([, step], index) => `  - { name: s${index}, ${step} }`).join('\n')));
  }, patient(300_000));

  it.each(acts.map(([what, , verdict], index) => ({ what, verdict, index })))('$what', ({ verdict, index }) => {
    const { verdict: reported, reasons, asExpected } = run.result.steps[index] ?? {};
    expect({ told: reported, reasons, asExpected }).toEqual({ told: verdict, reasons: [], asExpected: true });
  });

  it('that comes out as expected leaves exit status 0', () =>
    expect({ status: run.status, steps: run.result.steps.length }).toEqual({ status: 0, steps: acts.length }));
});

describe('steps', () => {
  const cases: readonly Case[] = [
    [
      'an addressee that gets nothing makes private inconclusive, exit 3',
      threeOn(
        switched,
        '  - { name: s, set: { p0: { isolated: on }, p1: { isolated: on } }, probe: [ { class: known-unicast, from: a, to: b } ], expect: private }',
      ),
      ['inconclusive'],
      ['delivery-short', 'delivery-short'],
    ],
    [
      'listening where nobody talks: inconclusive',
      threeOn(switched, '  - { name: s, listen: { for: 500ms } }'),
      ['inconclusive'],
      ['nothing-to-hear', 'nothing-to-hear', 'nothing-to-hear'],
    ],
    [
      'a demonstration that shows no leak is not as expected',
      threeOn(switched, '  - { name: s, probe: [ { class: known-unicast, from: a, to: b } ], expect: leak }'),
      ['holds'],
      [],
    ],
  ];
  const title = '%s';
  const comesOut = async (...[, file, verdicts, reasons]: Case): Promise<void> => {
    const status = verdicts.includes('inconclusive') ? 3 : 4;
    expect(await reported(file)).toEqual({ status, verdicts, reasons });
  };
  it.concurrent.each(again ? [] : cases.slice(0, 1))(title, { timeout: patient(300_000) }, comesOut);
  it.concurrent.each(again ? [] : cases.slice(1))(title, { tags: 'all', timeout: patient(300_000) }, comesOut);

  it.concurrent(
    'change settings, tables and sysctls, run programs, and write down what the kernel read back',
    async () => {
      const { status, dir, result } = await runLab(
        threeOn(
          '{ ageing_time: 30s, mcast_snooping: on }',
          `  - name: changes
    set: { br0: { ageing_time: 100s }, p0: { flood: off, bcast_flood: on, isolated: off, cost: 7 }, sysctl: { net.ipv4.ip_forward: 1 } }
    fdb: { flush: br0, add: [ { mac: "52:54:00:00:00:0c", port: p2, state: static, sticky: on }, { mac: "52:54:00:00:00:99", port: br0, state: permanent, self: on } ] }
    mdb: { add: [ { group: 239.1.1.1, port: p2 } ] }
    run: [ "nft add table bridge t", [ip, link, set, dev, p1, txqueuelen, "77"] ]
  - name: undone
    fdb: { del: [ { mac: "52:54:00:00:00:99", port: br0, self: on } ] }
    mdb: { del: [ { group: 239.1.1.1, port: p2 } ] }
    probe: [ { class: known-unicast, from: a, to: b } ]
    expect: private`,
        ),
      );
      expect({ status, verdicts: result.steps.map(({ verdict }) => verdict) }).toEqual({
        status: 0,
        verdicts: [null, 'holds'],
      });
      const said = readBacks(dir).join('\n');
      for (const part of ['10000', 'ip_forward', '52:54:00:00:00:0c', '52:54:00:00:00:99', '239.1.1.1'])
        expect(said).toContain(part);
      const state = readFileSync(join(dir, 'state', '2-before.json'), 'utf8');
      for (const part of ['"ageing_time": 10000', '"flood": false', 'sticky']) expect(state).toContain(part);
    },
    patient(300_000),
  );

  it.concurrent('that the kernel refuses end in inconclusive, with what it said, and the next one runs', {
    ...alike,
    timeout: patient(300_000),
  }, async () => {
    const { status, result } = await runLab(
      threeOn(
        switched,
        `  - { name: bad, run: [ "ip link set dev nosuch up" ], probe: [ { class: known-unicast, from: a, to: b } ], expect: private }
  - { name: good, probe: [ { class: known-unicast, from: a, to: b } ], expect: private }`,
      ),
    );
    expect({ status, verdicts: result.steps.map(({ verdict }) => verdict) }).toEqual({
      status: 3,
      verdicts: ['inconclusive', 'holds'],
    });
    expect(result.steps[0]?.reasons[0]?.text).toContain('nosuch');
  });

  it.concurrent('record that a relay raises the flags of br0 from 0x1003 to 0x1103, and back', {
    ...alike,
    timeout: patient(300_000),
  }, async () => {
    const { status, dir } = await runLab(
      threeOn(
        switched,
        `  - { name: without, probe: [ { class: known-unicast, from: a, to: b } ], expect: private }
  - { name: with, start: [vm], probe: [ { class: known-unicast, from: a, to: b } ], expect: private }
  - { name: gone, stop: [vm], probe: [ { class: known-unicast, from: a, to: b } ], expect: private }`,
        '    vm: { bridge: br0, attach: promiscuous, port: pv, ip: 10.9.0.4/24, started: false }\n',
      ),
    );
    expect(status).toBe(0);
    expect([1, 2, 3].map((step) => flagsOf(dir, step, 'br0'))).toEqual([
      [0x1003, 0x1003],
      [0x1103, 0x1103],
      [0x1003, 0x1003],
    ]);
  });

  it.concurrent('take twenty generated guests', { tags: ['alike', 'all'], timeout: patient(300_000) }, async () => {
    const { status, result } = await runLab(
      writeScenario(`version: 1
name: t
topology:
  bridges: { br0: {} }
  endpoints: { lan: { bridge: br0, port: up0, role: uplink } }
  generate: [ { count: 20, name: "g{}", bridge: br0, port: "p{}", zone: "z{}" } ]
steps: [ { name: s, probe: [ { class: known-unicast, from: "g1*", to: lan, both_ways: true, count: 20, carriers: [raw] } ], expect: private } ]
`),
    );
    expect({ status, verdict: result.verdict, observed: result.coverage.observed }).toEqual({
      status: 0,
      verdict: 'holds',
      observed: 21,
    });
  });

  it.concurrent(
    'take the host itself as an endpoint: what goes to it is private, what it sends to a stranger is flooded',
    async () => {
      const { status, result } = await runLab(
        threeOn(
          '{ ageing_time: 30s, address: 10.9.0.9/24 }',
          `  - { name: s, probe: [ { class: known-unicast, from: a, to: host }, { class: known-unicast, from: host, to: a } ], expect: private }
  - { name: t, traffic: { kind: http, from: a, to: host, requests: 2, bytes: 20000 } }
  - { name: u, probe: [ { class: unknown-unicast, from: host, may_see: [] } ], expect: leak }`,
          '    host: { bridge: br0, attach: host, role: host, ip: 10.9.0.10/24 }\n',
        ),
      );
      expect({ status, reasons: result.steps.map(({ reasons }) => reasons.map(({ code }) => code)) }).toEqual({
        status: 0,
        reasons: [[], [], []],
      });
      expect([
        overheard(result, { step: 0, from: 'a', to: 'host', observer: 'host' }),
        overheard(result, { step: 2, from: 'host', observer: 'c' }),
      ]).toEqual(['all', 'all']);
    },
    patient(300_000),
  );

  it.concurrent('let endpoints with IPv6 talk, and overhear them at ageing time 0', {
    ...alike,
    timeout: patient(300_000),
  }, async () => {
    const { status, result } = await runLab(
      writeScenario(`version: 1
name: t
topology:
  bridges: { br0: { ageing_time: 30s } }
  endpoints:
    a: { bridge: br0, port: p0, ip: "fd00::1/64" }
    b: { bridge: br0, port: p1, ip: "fd00::2/64" }
    c: { bridge: br0, port: p2, ip: "fd00::3/64" }
steps:
  - { name: http, traffic: { kind: http, from: a, to: b, requests: 2, bytes: 20000 } }
  - { name: ping, set: { br0: { ageing_time: 0 } }, traffic: { kind: ping, from: a, to: b, requests: 5 }, expect: { verdict: broken, seen: { c: all } } }
`),
    );
    expect({ status, reasons: result.steps.map(({ reasons }) => reasons) }).toEqual({ status: 0, reasons: [[], []] });
    expect(
      rows(result, { step: 0, observer: 'c' }).every(({ sent, seen }) => sent !== null && sent > 0 && seen === 0),
    ).toBe(true);
  });
});
