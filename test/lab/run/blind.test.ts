import { describe, expect, it } from 'vitest';
import { disturbed, type Lab } from '../../support/lab/disturbed.js';
import { again, alike, runLab, threeOn, writeScenario } from '../../support/lab/program.js';
import { firstOfEach } from '../../support/levels.js';
import { patient } from '../../support/patient.js';

// 400 frames (two carriers) at 200 a second: time enough to take a sense away while probes are on their way.
const slow = threeOn(
  '{ ageing_time: 30s }',
  '  - { name: s, set: { sysctl: { net.ipv4.conf.all.rp_filter: 1 } }, probe: [ { class: known-unicast, from: a, to: b, count: 200, rate: 200 } ], expect: private }',
);

// The host drops what goes from one of two guests to the other by the name of the device.
const routed = writeScenario(`version: 1
name: t
topology:
  bridges: { routes: { kind: routed, address: 169.254.1.1/32 } }
  endpoints:
    a: { bridge: routes, port: tap1, mac: "52:54:00:00:00:0a", ip: 10.9.0.1/32, gateway: 169.254.1.1 }
    b: { bridge: routes, port: tap2, mac: "52:54:00:00:00:0b", ip: 10.9.0.2/32, gateway: 169.254.1.1 }
  sysctl: { net.ipv4.ip_forward: 1 }
steps:
  - name: s
    run:
      - [nft, add, table, inet, guard]
      - [nft, add, chain, inet, guard, forward, "{ type filter hook forward priority 0 ; }"]
      - [nft, add, rule, inet, guard, forward, iifname, tap1, oifname, tap2, drop]
    probe: [ { class: known-unicast, from: a, to: b, carriers: ipv4-udp, count: 300, rate: 200 } ]
    expect: separated
`);

type Loss = readonly [what: string, act: (lab: Lab) => void, reason: string];

describe('a run that loses a sense', () => {
  const losses: readonly Loss[] = [
    ['its capture helper killed', ({ helper }) => process.kill(helper('capture'), 'SIGKILL'), 'helper-died'],
    ['its capture helper stopped', ({ helper }) => process.kill(helper('capture'), 'SIGSTOP'), 'helper-silent'],
    ['its send helper killed', ({ helper }) => process.kill(helper('send'), 'SIGKILL'), 'probes-not-sent'],
    ["a bystander's port down", ({ inside }) => inside('ip link set dev p2 down'), 'interface-down'],
    ["the sender's port down", ({ inside }) => inside('ip link set dev p0 down'), 'interface-down'],
    ["a bystander's port deleted", ({ inside }) => inside('ip link del dev p2'), 'interface-gone'],
    [
      "a bystander's port down and up again",
      ({ inside }) => {
        inside('ip link set dev p2 down');
        inside('ip link set dev p2 up');
      },
      'interface-down',
    ],
    [
      "a bystander's flood switched off",
      ({ inside }) => inside('ip link set dev p2 type bridge_slave flood off'),
      'settings-changed',
    ],
    [
      'the bridge promiscuous for another device',
      ({ inside }) => {
        inside('ip link add link br0 name mv0 type macvlan mode passthru');
        inside('ip link set dev mv0 up');
        inside('ip link del dev mv0');
      },
      'settings-changed',
    ],
    [
      'a sysctl that its step set changed and put back',
      ({ inside }) => {
        for (const value of [2, 1]) inside(`sysctl -w net.ipv4.conf.all.rp_filter=${value}`);
      },
      'settings-changed',
    ],
  ];
  const title = '%s: is inconclusive with exit 3, never holds';
  const lose = async (...[_, act, reason]: Loss): Promise<void> => {
    const { status, result } = await disturbed({ file: slow, when: '"event":"probing"', act });
    expect({ status, verdict: result.verdict }).toEqual({ status: 3, verdict: 'inconclusive' });
    expect(result.steps[0]?.reasons.map(({ code }) => code)).toContain(reason);
  };
  const { first, others } = firstOfEach(losses, ([, , reason]) => reason);
  // Whose helper it is decides who may kill it; what is judged of that is judged alike for all.
  it.concurrent.each(first.slice(0, again ? 1 : first.length))(title, { tags: 'all', timeout: patient(300_000) }, lose);
  it.concurrent.each(again ? [] : others)(title, { tags: 'all', timeout: patient(300_000) }, lose);

  it.concurrent('a rule that copies frames off the bridge, to where nobody listens: is inconclusive, unless the file says why', {
    ...alike,
    timeout: patient(300_000),
  }, async () => {
    const copying = [
      'ip link add name tap9 type veth peer name x9',
      'ip link set dev tap9 up',
      'tc qdisc add dev p0 clsact',
      'tc filter add dev p0 ingress protocol all u32 match u32 0 0 action mirred egress mirror dev tap9',
    ];
    const step = `  - { name: s, run: ${JSON.stringify(copying)}, probe: { class: known-unicast, from: a, to: b, carriers: [raw], count: 20 }, expect: private }`;
    const { status, result } = await runLab(threeOn('{ ageing_time: 30s }', step));
    expect([status, result.steps[0]?.reasons.map(({ code, text }) => `${code}: ${text}`)]).toEqual([
      3,
      ['coverage-partial: not observed: tap9'],
    ]);
    expect(result.coverage.unobserved).toEqual([
      { port: 'tap9', reason: 'tc at p0 ingress carries frames there, and it is no port of br0' },
    ]);
    const meant = await runLab(
      threeOn('{ ageing_time: 30s }', step, '', 'scope: { partial: the copies go to an intrusion detection system }\n'),
    );
    expect([meant.status, meant.result.verdict]).toEqual([0, 'holds']);
  });

  it.concurrent('undisturbed: holds', { tags: ['alike', 'all'], timeout: patient(300_000) }, async () => {
    expect(await disturbed({ file: slow, when: '"event":"probing"', act: () => undefined })).toMatchObject({
      status: 0,
      result: { verdict: 'holds' },
    });
  });
});

describe('a host that leads packets elsewhere for a moment', alike, () => {
  it('is heard: what left by another device than the rules name is not known, and the run does not hold', async () => {
    const act = ({ inside }: Lab): void => {
      inside('ip link add dev x0 type veth peer name x1');
      for (const end of ['x0', 'x1']) inside(`ip link set dev ${end} up`);
      inside('ip route replace 10.9.0.2 dev x0');
      inside('ip route replace 10.9.0.2 dev tap2 scope link');
      inside('ip link del dev x0');
    };
    const { result } = await disturbed({ file: routed, when: '"event":"probing"', act });
    expect(result.verdict).toBe('inconclusive');
    expect(result.steps[0]?.reasons.map(({ text }) => text)).toEqual([
      'the routes to 10.9.0.2/32 changed and were put back',
    ]);
  });

  it('holds where nobody does', { tags: 'all' }, async () => {
    expect((await runLab(routed)).result.verdict).toBe('holds');
  });
});
