import { describe, expect, it } from 'vitest';
import type { Flow } from '../../../../src/core/model/plan.js';
import type { HostState } from '../../../../src/core/model/state.js';
import { etherTypes, macBytes, writeEthernet } from '../../../../src/core/wire/ethernet.js';
import { ipProtocols, ipv4Bytes, writeIpv4 } from '../../../../src/core/wire/ipv4.js';
import { ipv6Bytes, writeIpv6 } from '../../../../src/core/wire/ipv6.js';
import {
  addressed,
  type Change,
  flowOf,
  judgedOf,
  plans,
  probeFrame,
  probing,
  receives,
  sends,
  withEndpoints,
} from '../../../support/judge/judged.js';
import { type Evidence, hostState } from '../../../support/judge/perfect-run.js';
import { there } from '../../../support/there.js';

const macOf = (evidence: Evidence, name: string): string =>
  there(evidence.plan.endpoints.find((endpoint) => endpoint.name === name)?.macs[0]);
const bytesOf = (mac: string): Uint8Array => there(macBytes(mac) ?? undefined);

/** What an answer has; left out: b answers a. */
interface Answered {
  /** The probe by its number. */
  readonly sequence?: number;
  readonly fromIp?: string;
  readonly toIp?: string;
  readonly fromMac?: string;
  readonly toMac?: string;
  readonly type?: number;
  /** Byte of the quoted packet to damage. */
  readonly damagedAt?: number;
}

const ethernet = 14;

/** ICMP behind Ethernet and IP headers. */
function icmpFrame(flow: Flow, { fromIp, toIp, fromMac, toMac }: Answered, icmp: Uint8Array): Uint8Array {
  const isIpv4 = flow.carrier.startsWith('ipv4');
  const parse = isIpv4 ? ipv4Bytes : ipv6Bytes;
  const bytes = new Uint8Array(ethernet + (isIpv4 ? 20 : 40) + icmp.length);
  writeEthernet(bytes, 0, {
    dstMac: bytesOf(toMac ?? flow.frame.srcMac),
    srcMac: bytesOf(fromMac ?? flow.frame.dstMac),
    etherType: isIpv4 ? etherTypes.ipv4 : etherTypes.ipv6,
  });
  const ip = {
    src: there(parse(fromIp ?? flow.frame.dstIp ?? '') ?? undefined),
    dst: there(parse(toIp ?? flow.frame.srcIp ?? '') ?? undefined),
    protocol: isIpv4 ? ipProtocols.icmp : ipProtocols.icmpv6,
    hopLimit: 64,
    payloadLength: icmp.length,
  };
  bytes.set(icmp, isIpv4 ? writeIpv4(bytes, ethernet, ip) : writeIpv6(bytes, ethernet, ip));
  return bytes;
}

/** A port that is unreachable: RFC 792, RFC 4443 3.1. */
const error =
  (answered: Answered = {}) =>
  (evidence: Evidence): Uint8Array => {
    const flow = flowOf(evidence);
    const { sequence = 0, damagedAt, type = flow.carrier.startsWith('ipv4') ? 3 : 1 } = answered;
    const quoted = probeFrame(evidence, sequence, flow).slice(ethernet);
    if (damagedAt !== undefined) quoted[damagedAt] = (quoted[damagedAt] ?? 0) ^ 0xff;
    return icmpFrame(flow, answered, Uint8Array.of(type, 3, 0, 0, 0, 0, 0, 0, ...quoted));
  };

/** An echo request as it came, with another type. */
const reply = (evidence: Evidence): Uint8Array => {
  const flow = flowOf(evidence);
  const isIpv4 = flow.carrier === 'ipv4-icmp';
  const icmp = probeFrame(evidence, 0, flow).slice(ethernet + (isIpv4 ? 20 : 40));
  icmp[0] = isIpv4 ? 0 : 129;
  return icmpFrame(flow, {}, icmp);
};

/** Around an answer: as tc's mirror to a VXLAN device sends it. */
const inTunnel = (frame: (evidence: Evidence) => Uint8Array) => (evidence: Evidence) =>
  Buffer.concat([Buffer.alloc(50, 1), frame(evidence)]);

const carriers = ['ipv4-udp', 'ipv4-tcp', 'ipv6-udp', 'ipv4-icmp', 'ipv6-icmp'] as const;
const scenarioOf = (carrier: (typeof carriers)[number] = 'ipv4-udp') =>
  withEndpoints(addressed(probing({ carriers: [carrier] })), ({ ips }, at) => ({
    ips: [...ips, { family: 6, address: `fd00::${at + 1}`, prefix: 64 }],
  }));
const judged = (...changes: readonly Change[]) => judgedOf(scenarioOf(), ...changes);

describe('an answer to a probe', () => {
  it.each(carriers)('that one more gets is a leak of who answers, not of what was asked: error about %s', (carrier) => {
    const { verdict, codes, leaks, findings } = judgedOf(
      scenarioOf(carrier),
      sends('b', error()),
      receives('c', error()),
    );
    expect([verdict, codes]).toEqual(['broken', []]);
    expect(leaks).toMatchObject([
      { variant: 'answer', class: 'known-unicast', carrier, from: 'b', to: 'a', observer: 'c', sent: null, seen: 1 },
    ]);
    expect(findings.find(({ observer, variant }) => observer === 'c' && variant === undefined)).toMatchObject({
      from: 'a',
      to: 'b',
      seen: 0,
      leak: false,
      upperBound95: 0.14,
    });
  });

  it.each(['ipv4-icmp', 'ipv6-icmp'] as const)('is a leak as an echo reply as well: %s', (carrier) => {
    const { leaks } = judgedOf(scenarioOf(carrier), sends('b', reply), receives('c', reply));
    expect(leaks).toMatchObject([{ variant: 'answer', from: 'b', to: 'a', observer: 'c' }]);
  });

  it('that only the sender gets is nothing', () =>
    expect(judged(sends('b', error()), receives('a', error()))).toMatchObject({ verdict: 'holds', codes: [] }));

  it('counts each probe that is answered once', () => {
    const again = [0, 0, 1].flatMap((sequence) => [
      sends('b', error({ sequence })),
      receives('c', error({ sequence })),
    ]);
    expect(judged(...again).leaks).toMatchObject([{ seen: 2 }]);
  });

  it('that a mirror sends through a tunnel is a leak', () =>
    expect(judged(sends('b', error()), receives('c', inTunnel(error()))).leaks).toMatchObject([
      { variant: 'answer', observer: 'c' },
    ]));

  it('is counted in a group of its own, in words of its own', () =>
    expect(judged(sends('b', error()), receives('c', error())).steps[0]?.groups).toMatchObject([
      { from: ['b'], to: ['a'], observers: ['c'], answers: true, sent: null, seen: 1 },
    ]));

  it('is no further cause where probes leak for the same, and does not count among their frames', () =>
    expect(
      judged(receives('c', 1), receives('lan', 1), sends('b', error()), receives('c', error())).steps[0]?.groups,
    ).toMatchObject([{ rows: 3, sent: 40, seen: 2 }]));
});

describe('the way of an answer', () => {
  const router = '02:00:00:00:00:99';

  it('leads by the uplink to a router that is not here', () => {
    const routed = error({ toMac: router });
    expect(judged(sends('b', routed), receives('lan', routed))).toMatchObject({ verdict: 'holds', codes: [] });
  });

  it('does not lead by the uplink to one that is here', () =>
    expect(judged(sends('b', error()), receives('lan', error())).leaks).toMatchObject([
      { variant: 'answer', observer: 'lan' },
    ]));

  it('leads to a guest to which it was sent, and from there on', () => {
    const { verdict, codes } = judgedOf(
      scenarioOf(),
      (evidence) => sends('b', error({ toMac: macOf(evidence, 'c') }))(evidence),
      (evidence) => receives('c', error({ toMac: macOf(evidence, 'c') }))(evidence),
      (evidence) => sends('c', error({ fromMac: macOf(evidence, 'c') }))(evidence),
      (evidence) => receives('a', error({ fromMac: macOf(evidence, 'c') }))(evidence),
    );
    expect([verdict, codes]).toEqual(['holds', []]);
  });

  it('does not lead to a guest whose MAC was written into it on the way', () =>
    expect(
      judged(sends('b', error()), (evidence) => receives('c', error({ toMac: macOf(evidence, 'c') }))(evidence)).leaks,
    ).toMatchObject([{ variant: 'answer', observer: 'c' }]));
});

describe('a guest with two interfaces', () => {
  const router = '02:00:00:00:00:99';
  const ofOne = withEndpoints(scenarioOf(), ({ name }) => (['b', 'c'].includes(name) ? { owner: 'b' } : {}));
  /** The probe came to b, the answer leaves by c. */
  const byTheOther = (of: typeof ofOne, toMac?: string) => {
    const answer = (evidence: Evidence): Uint8Array =>
      error({ fromMac: macOf(evidence, 'c'), ...(toMac === undefined ? {} : { toMac }) })(evidence);
    return judgedOf(of, sends('c', answer), receives('lan', answer));
  };

  it('may answer by the other one, to a router beyond the uplink', () =>
    expect(byTheOther(ofOne, router)).toMatchObject({ verdict: 'holds', codes: [] }));

  it('answers as one guest only where its interfaces have one owner', () =>
    expect(byTheOther(scenarioOf(), router)).toMatchObject({
      verdict: 'inconclusive',
      codes: ['replayed', 'unheard-delivery'],
    }));

  it('leaks its answer where another than the one asked gets it', () =>
    expect(byTheOther(ofOne).leaks).toMatchObject([{ variant: 'answer', from: 'b', to: 'a', observer: 'lan' }]));

  it('sends a token again that it got at the other one: no capture missed it', () =>
    expect(judgedOf(ofOne, sends('c', 0), receives('lan', 0))).toMatchObject({
      verdict: 'inconclusive',
      codes: ['replayed'],
    }));
});

describe('the host and routers', () => {
  it.each([
    ['by the address of what is beyond the uplink', { fromIp: '10.0.0.4' }, 'lan'],
    ['by the MAC of the bridge', { fromIp: '10.9.9.9', fromMac: '02:76:69:fe:00:00' }, 'br0'],
  ] as const)('may answer %s', (_, answered, from) => {
    const { leaks } = judged(
      plans(() => ({ bridgeMacs: { br0: '02:76:69:fe:00:00' } })),
      receives('c', error(answered)),
    );
    expect(leaks).toMatchObject([{ variant: 'answer', from, to: 'a', observer: 'c' }]);
  });
});

describe('a token that the host or a gateway sends to another than the sender of the probe', () => {
  const bridge = '02:76:69:fe:00:00';
  /** A guest that got the token had it echoed: in a ping of fragments, in which no observer finds it. */
  const echoed =
    (over: Answered = {}) =>
    (evidence: Evidence): Uint8Array => {
      const data = probeFrame(evidence, over.sequence ?? 0, flowOf(evidence)).slice(ethernet + 28);
      const type = flowOf(evidence).carrier.startsWith('ipv4') ? 0 : 129;
      const answered = { fromIp: '10.0.0.9', fromMac: bridge, toIp: '10.0.0.3', toMac: macOf(evidence, 'c'), ...over };
      return icmpFrame(flowOf(evidence), answered, Uint8Array.of(over.type ?? type, 0, 0, 0, 0, 1, 0, 2, ...data));
    };
  const hears = (frame: Parameters<typeof receives>[1], ...more: readonly Change[]) =>
    judged(
      plans(() => ({ bridgeMacs: { br0: bridge } })),
      ...more,
      receives('c', frame),
    );
  /** The state of the run with these rules of nft. */
  const rules =
    (nft: unknown): Change =>
    (evidence) => {
      const state = there(evidence.states[0]?.before ?? undefined);
      evidence.states = [{ before: state, after: { ...state, nft } }];
    };

  it.each([
    ['an echo reply', echoed()],
    ['an ICMP error that quotes it', echoed({ type: 11 })],
  ])('may be what a guest said: %s', (_, frame) => {
    const { verdict, codes, leaks } = hears(frame);
    expect([verdict, codes, leaks]).toEqual(['inconclusive', ['replayed'], []]);
  });

  it.each([
    ['snat', { nftables: [{ rule: { expr: [{ snat: { addr: '10.0.0.3' } }] } }] }],
    ['a mangled payload', { nftables: [{ rule: { expr: [{ mangle: { key: { payload: {} }, value: 0 } }] } }] }],
  ])('is a leak where a rule may have made it of the probe: %s', (_, nft) =>
    expect(hears(echoed(), rules(nft)).leaks).toMatchObject([{ from: 'a', to: 'b', observer: 'c', seen: 1 }]),
  );

  it('decides nothing where the probe itself leaks as well', () =>
    expect(hears(echoed({ sequence: 1 }), receives('c', 0))).toMatchObject({ verdict: 'broken', codes: [] }));

  /** The token in a datagram of the host's own, as of a proxy, or out of a tunnel that ends there. */
  const proxied =
    (over: Answered = {}) =>
    (evidence: Evidence): Uint8Array => {
      const frame = echoed(over)(evidence);
      frame.set([17], ethernet + (flowOf(evidence).carrier.startsWith('ipv4') ? 9 : 6));
      return frame;
    };
  const state =
    (more: Partial<HostState>): Change =>
    (evidence) => {
      const before = there(evidence.states[0]?.before ?? undefined);
      evidence.states = [{ before, after: { ...before, ...more } }];
    };

  it('may be what a guest said: the payload of a packet to another addressee', () => {
    const { verdict, codes, leaks } = hears(proxied());
    expect([verdict, codes, leaks]).toEqual(['inconclusive', ['replayed'], []]);
  });

  it('is a leak if the packet keeps its addressee, or if something may have put the probe into it', () => {
    expect(hears(proxied({ toIp: '10.0.0.2' })).verdict).toBe('broken');
    const link = there(hostState().links[0]);
    const socket = { inode: '7', ifindex: 0, protocol: '0003', holders: [], own: false };
    const doubts: readonly Partial<HostState>[] = [
      { links: [...hostState().links, { ...link, name: 'vx0', kind: 'vxlan' }] },
      { links: [...hostState().links, { ...link, name: 'wg0', kind: 'wireguard' }] },
      { packetSockets: [socket] },
      { logGroups: [5] },
      { nft: { nftables: [{ rule: { expr: [{ queue: { num: 0 } }] } }] } },
      { nft: { nftables: [{ rule: { expr: [{ dnat: { addr: '10.0.0.3' } }] } }] } },
      { legacyTables: [{ program: 'iptables-legacy', table: 'nat', rules: 1, targets: ['DNAT'] }] },
      { nft: { nftables: [{ rule: { expr: [{ snat: { addr: '10.0.0.3' } }] } }] } },
    ];
    for (const more of doubts) expect(hears(proxied(), state(more)).verdict).toBe('broken');
    expect(hears(echoed(), state({ logGroups: [5] })).codes).toContain('replayed');
  });

  it('is a leak in any other form, and where a guest is its source', () => {
    expect(hears(echoed({ type: 8 })).verdict).toBe('broken');
    expect(hears(echoed({ fromMac: '02:00:00:00:00:77', fromIp: '10.0.0.77' })).verdict).toBe('broken');
  });
});

describe('no answer is', () => {
  it.each([
    ['the error of another guest', { fromIp: '10.0.0.3' }],
    ['an error to another one', { toIp: '10.0.0.3' }],
    ['an error that quotes another packet', { damagedAt: 9 }],
    ['an error that quotes other ports', { damagedAt: 20 }],
    ['an error that quotes other addresses', { damagedAt: 15 }],
    ['an ICMP message that is no error', { type: 13 }],
    ['an error to a group', { toMac: 'ff:ff:ff:ff:ff:ff' }],
  ] as const)('%s: its guest may have said the token again', (_, answered) => {
    const { verdict, codes, leaks } = judged(sends('b', error(answered)), receives('c', error(answered)));
    expect([verdict, codes, leaks]).toEqual(['inconclusive', ['replayed'], []]);
  });

  it('what enters at a guest that did not get the probe', () =>
    expect(judged(sends('c', error({ sequence: 2 }))).codes).toEqual(['unheard-delivery']));

  it('hides no copy of the probe that comes after it', () =>
    expect(judged(sends('b', error()), receives('c', inTunnel(probeFrame))).leaks).toMatchObject([
      { from: 'a', to: 'b', observer: 'c', forms: { encapsulated: 1 } },
    ]));
});
