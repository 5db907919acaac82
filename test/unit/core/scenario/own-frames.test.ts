import { describe, expect, it } from 'vitest';
import { checkRunnable } from '../../../../src/cli/commands/run/check-runnable.js';
import type { Plan } from '../../../../src/core/model/plan.js';
import { classicHeader, classicRecord } from '../../../../src/core/pcap/classic/writer.js';
import type { FdbState, LinkState } from '../../../../src/core/model/state.js';
import { hostTopology } from '../../../../src/core/discover/host-topology.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { beyondLimits, type Limits, parseLimits } from '../../../../src/core/plan/limits.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { parseScenario, loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { describeFrame } from '../../../../src/core/wire/frame-view.js';
import { learnedAt, stateWith, upLink } from '../../../support/link-state.js';
import { checksumHolds, pseudoHeaderSum, sumOf } from '../../../../src/core/wire/bytes.js';
import { findToken, tokensFor } from '../../../../src/core/wire/token.js';

const runTag = 0x12345678;
const key = new Uint8Array(32).fill(9);

/** UDP from 10.9.9.9:1000 to 10.8.8.8:2000, 30 bytes of data, without checksums. */
const datagram = Buffer.from(
  `0200000000010200000000020800 4500003a000040004011 0000 0a0909090a080808 03e807d0 0026 0001 ${'00'.repeat(30)}`.replaceAll(
    ' ',
    '',
  ),
  'hex',
);

function capture(frame: Uint8Array, { linkType = 1, originalLength = frame.length } = {}): Uint8Array {
  return Buffer.concat([
    classicHeader('micro', 65_535, linkType),
    classicRecord('micro', { timeNs: 0n, originalLength, data: frame }),
  ]);
}

function scenario(probe: string, provider: 'lab' | 'host' = 'lab'): Buffer {
  const bridge = provider === 'lab' ? 'br0: { address: 10.0.0.1/24 }' : 'br0: {}';
  return Buffer.from(`version: 1
name: own
${provider === 'host' ? 'allow_disruptive: true\n' : ''}topology:
  provider: ${provider}
  bridges: { ${bridge} }
  endpoints:
    alice: { bridge: br0, port: tap0, mac: "52:54:00:00:00:0a", ip: 10.0.0.10/24 }
    bob: { bridge: br0, port: tap1, mac: "52:54:00:00:00:0b", ip: 10.0.0.11/24 }
    carol: { bridge: br0, port: tap2, mac: "52:54:00:00:00:0c", ip: "fd00::c/64" }
    lan: { bridge: br0, port: eth9, mac: "00:11:22:33:44:55", role: uplink }
steps:
  - name: own
    probe: [ { class: frame, from: alice, count: 1, ${probe} } ]
`);
}

const files: Readonly<Record<string, Uint8Array>> = {
  'udp.pcap': capture(datagram),
  'cut.pcap': capture(datagram, { originalLength: 1000 }),
  'wifi.pcap': capture(datagram, { linkType: 105 }),
  'text.pcap': Buffer.from('not a capture'),
  'short.pcap': capture(datagram.subarray(0, 50)),
};
const readFile = (path: string): Uint8Array | string => files[path] ?? 'there is no such file';

function faultOf(probe: string, provider: 'lab' | 'host' = 'lab'): string {
  return parseScenario('own.yml', scenario(probe, provider), { readFile })
    .faults.map(({ line, message }) => `${line}: ${message}`)
    .join('\n');
}

function planOf(probe: string): Plan {
  return makePlan(loadScenario('own.yml', scenario(probe), { readFile }), {
    runTag,
    keySha256: '0'.repeat(64),
    bridgeMacs: { br0: '02:76:69:fe:00:00' },
  });
}

function firstFrame(probe: string): {
  readonly frame: Uint8Array;
  readonly may: readonly string[];
  must: readonly string[];
} {
  const [flow] = planOf(probe).steps[0]?.flows ?? [];
  if (flow === undefined) throw new Error('nothing is sent');
  const { may, must } = flow;
  return { frame: buildFrame(flow.frame, tokensFor(key, runTag, flow.first, 1)), may, must };
}

describe('a frame of the scenario', () => {
  it('has MACs, addresses and token in its places, and is 60 bytes long', () => {
    const { frame, may, must } = firstFrame('to: bob, hex: "{dst_mac}{src_mac} 88b6 {src_ip} {dst_ip} {token} ff"');
    expect(Buffer.from(frame).toString('hex', 0, 22)).toBe('52540000000b52540000000a88b60a00000a0a00000b');
    expect(findToken(frame, 0, frame.length, runTag, -1)?.at).toBe(22);
    expect(frame[40]).toBe(0xff);
    expect({ length: frame.length, may, must }).toEqual({ length: 60, may: ['bob'], must: ['bob'] });
  });

  it('has its token in the last bytes if the text has none, and where token_at says', () => {
    const at = (probe: string): number => {
      const { frame } = firstFrame(probe);
      return findToken(frame, 0, frame.length, runTag, -1)?.at ?? -1;
    };
    const raw = `hex: "{dst_mac}{src_mac}88b6${'00'.repeat(51)}"`;
    expect(at(`to: bob, ${raw}`)).toBe(46);
    expect(at(`to: bob, ${raw}, token_at: 20`)).toBe(20);
    expect(at('to: bob, hex: "{dst_mac}{src_mac}88b6", size: 80')).toBe(62);
  });

  it('of a capture has the MACs of sender and addressee, its own addresses, and checksums that hold', () => {
    const { frame } = firstFrame('to: bob, pcap: udp.pcap');
    expect(describeFrame(frame)).toMatchObject({
      srcMac: '52:54:00:00:00:0a',
      dstMac: '52:54:00:00:00:0b',
      srcIp: '10.9.9.9',
      dstIp: '10.8.8.8',
    });
    const sum = pseudoHeaderSum(frame, 26, 4, 17, 38) + sumOf(frame, 34, 72);
    expect(checksumHolds(sum)).toBe(true);
    // No place stands in the header: its wrong checksum stays
    expect(checksumHolds(sumOf(frame, 14, 34))).toBe(false);
  });

  it('has a header checksum that holds if an address is a place of it', () => {
    const head = '4500002e000040004011 dead {src_ip}{dst_ip} 03e8 07d0 001a 0000';
    const { frame } = firstFrame(`to: bob, hex: "{dst_mac}{src_mac}0800 ${head} {token}"`);
    expect(checksumHolds(sumOf(frame, 14, 34))).toBe(true);
    // UDP without a checksum stays without one
    expect(Buffer.from(frame).readUInt16BE(40)).toBe(0);
    expect(describeFrame(frame)).toMatchObject({ srcIp: '10.0.0.10', dstIp: '10.0.0.11' });
  });

  it('of IPv6 has addresses of 16 bytes', () => {
    const head = '60000000 001a 11 40 {src_ip}{dst_ip} 03e8 07d0 001a ffff';
    const { frame } = firstFrame(`to: carol, src_ip: "fd00::a", hex: "{dst_mac}{src_mac}86dd ${head} {token}"`);
    expect(describeFrame(frame)).toMatchObject({ srcIp: 'fd00::a', dstIp: 'fd00::c' });
    expect(checksumHolds(pseudoHeaderSum(frame, 22, 16, 17, 26) + sumOf(frame, 54, 80))).toBe(true);
  });

  it.each([
    ['the owner of its MAC', '52540000000c', ['carol'], []],
    ['the uplink, for a MAC that no endpoint has', '0600000000ff', ['lan'], []],
  ])('may be seen by %s', (_, mac, may, must) => {
    expect(firstFrame(`hex: "${mac}{src_mac}88b6{token}"`)).toMatchObject({ may, must });
  });

  it('is recorded with its scenario: the hash of the capture', () => {
    const { files: recorded } = loadScenario('own.yml', scenario('to: bob, pcap: udp.pcap'), { readFile });
    expect(recorded.map(({ path }) => path)).toEqual(['udp.pcap']);
  });

  it('of one capture that several entries take is recorded once', () => {
    const both = 'to: bob, pcap: udp.pcap }, { class: frame, from: alice, to: carol, pcap: udp.pcap, count: 1';
    const { files: recorded } = loadScenario('own.yml', scenario(both), { readFile });
    expect(recorded.map(({ path }) => path)).toEqual(['udp.pcap']);
  });
});

describe('a frame that cannot be sent is a fault with its line', () => {
  const rest = '{dst_mac}{src_mac}88b6{token}';
  it.each([
    ['hex: "xyz"', '13: steps[0].probe[0].hex: expected two hex digits a byte'],
    ['to: bob, hex: "{dst_mac}{src_mac}88b"', 'got "b"'],
    ['to: bob, hex: "{dst_mac}{src_mac}88b6{key}{token}"', 'got "{key}"'],
    ['to: bob, hex: "0000"', 'has 2 bytes'],
    ['to: bob, hex: "00{dst_mac}{src_mac}88b6{token}"', 'begins with something else'],
    [`to: bob, hex: "${rest}{token}"`, 'has 2 tokens'],
    ['to: bob, hex: "{dst_mac}{src_mac}88b6001122"', 'has 3 bytes behind its headers, expected 18 for a token'],
    ['to: bob, hex: "{dst_mac}{src_mac}88b600{token}"', 'token at byte 15, expected an even number'],
    [`to: bob, hex: "{dst_mac}{src_mac}88b6${'00'.repeat(100)}{token}"`, 'token at byte 114'],
    ['hex: "{dst_mac}{src_mac}88b6{token}"', '{dst_mac} has no value, expected "to" or "dst_mac"'],
    ['to: bob, hex: "52540000000c{src_mac}88b6{token}"', 'expected {dst_mac} beside "to"'],
    ['hex: "ffffffffffff{src_mac}88b6{token}"', 'goes to a group, "ff:ff:ff:ff:ff:ff", expected "may_see"'],
    ['to: bob', 'expected either "hex" or "pcap"'],
    [`to: bob, hex: "${rest}", pcap: udp.pcap`, 'expected either "hex" or "pcap"'],
    [`to: bob, hex: "${rest}", carriers: raw`, 'the frame says this, expected no such key'],
    [`to: bob, hex: "${rest}", frame: 1`, 'expected "pcap" beside it'],
    ['to: bob, pcap: none.pcap', '"none.pcap" cannot be read: there is no such file'],
    ['to: bob, pcap: text.pcap', '"text.pcap" cannot be read'],
    ['to: bob, pcap: wifi.pcap', 'frame 1 is not Ethernet'],
    ['to: bob, pcap: cut.pcap', 'frame 1 was cut to 72 bytes'],
    ['to: bob, pcap: udp.pcap, frame: 2', 'it has 1 frames, expected at least 2'],
    ['to: bob, pcap: short.pcap', 'has 8 bytes behind its headers, expected 18 for a token'],
    ['to: bob, src_ip: 10.0.0.1, pcap: udp.pcap', '13: steps[0].probe[0].src_ip: the frame has no place for it'],
    [`to: bob, dst_ip: 10.0.0.1, hex: "${rest}"`, 'dst_ip: the frame has no place for it, expected {dst_ip} in "hex"'],
    [`to: bob, token_at: 16, hex: "${rest}0000"`, 'token_at: {token} stands at byte 14, expected no such key'],
    ['to: bob, hex: "{src_mac}{dst_mac}88b6{token}"', 'begins with something else'],
    ['dst_mac: "52:54:00:00:00:0b", hex: "{src_mac}{src_mac}88b6{token}"', 'begins with something else'],
    [
      'to: bob, src_mac: "06:00:00:00:00:01", hex: "{dst_mac}060000000002 88b6{token}"',
      'src_mac: the frame writes "06:00:00:00:00:02" itself, expected {src_mac} in "hex"',
    ],
    [
      'dst_mac: "06:00:00:00:00:01", hex: "060000000002{src_mac}88b6{token}"',
      'dst_mac: the frame writes "06:00:00:00:00:02" itself, expected {dst_mac} in "hex"',
    ],
    [
      'to: bob, src_ip: "fd00::1", hex: "{dst_mac}{src_mac}0800{src_ip}{token}"',
      '13: steps[0].probe[0].src_ip: expected an IPv4 address, as the place in the frame has',
    ],
  ])('%s', (probe, fault) => {
    expect(faultOf(probe)).toContain(fault);
  });

  it('is one of another class with its keys', () => {
    const text = scenario('').toString().replace('class: frame', 'class: broadcast, hex: "00"');
    const [fault] = parseScenario('own.yml', Buffer.from(text)).faults;
    expect(fault?.message).toContain('the class broadcast takes no "hex"');
  });
});

describe('on a host', () => {
  it('its source is the sender', () => {
    expect(faultOf('to: bob, hex: "{dst_mac}0600000000ff88b6{token}"', 'host')).toContain(
      'the source MAC is "06:00:00:00:00:ff", on a host expected {src_mac}',
    );
    expect(faultOf('to: bob, src_mac: "06:00:00:00:00:ff", pcap: udp.pcap', 'host')).toContain('expected {src_mac}');
    expect(faultOf('to: bob, pcap: udp.pcap', 'host')).toBe('');
  });

  it('it takes --allow-frames, --allow-disruptive and a file that allows it, for it may be any attack', () => {
    const written = scenario('to: bob, pcap: udp.pcap', 'host');
    const own = loadScenario('own.yml', written, { readFile });
    expect(() => checkRunnable([own], { allowRun: false, allowDisruptive: true })).toThrow(
      'it sends frames of its own',
    );
    expect(() => checkRunnable([own], { allowRun: false, allowFrames: true })).toThrow('frame disturbs guests');
    expect(() => checkRunnable([own], { allowRun: false, allowFrames: true, allowDisruptive: true })).not.toThrow();
    const silent = Buffer.from(written.toString().replace('allow_disruptive: true\n', ''));
    const [fault] = parseScenario('own.yml', silent, { readFile }).faults;
    expect(fault?.message).toContain('frame is disruptive, expected "allow_disruptive: true"');
  });

  it('limits take it only if they name it', () => {
    const limitsOf = (more: string): Limits =>
      parseLimits('l.yml', Buffer.from(`version: 1\nframes: 1000\nrate: 1000\nout_of_nic: 0\ntime: 20m\n${more}`));
    const plan = sending(toBob)();
    expect(beyondLimits(plan, limitsOf(''))).toEqual(['class frame']);
    expect(beyondLimits(plan, limitsOf('classes: [frame]'))).toEqual([]);
  });

  const links = [
    upLink('br0', { kind: 'bridge' }),
    ...['tap0', 'tap1', 'tap2'].map((name) => upLink(name, { master: 'br0', kind: 'tun' })),
    upLink('br1', { kind: 'bridge' }),
    upLink('tap3', { master: 'br1', kind: 'tun' }),
  ];
  const lan = '    lan: { bridge: br0, port: eth9, mac: "00:11:22:33:44:55", role: uplink }\n';
  interface Found {
    readonly more?: readonly LinkState[];
    readonly fdb?: readonly FdbState[];
    readonly listed?: string;
    readonly bridge?: LinkState['bridge'];
    readonly step?: string;
    readonly from?: string;
  }

  /** Of a host without an uplink, with `more` links, and with `listed` in the file. */
  function sending(probe: string, found: Found = {}): () => Plan {
    const { more = [], fdb = [], listed = '', bridge = {}, step = '', from = 'alice' } = found;
    const other = '    dave: { bridge: br1, port: tap3, mac: "52:54:00:00:00:0d" }\n';
    const text = `${scenario(probe, 'host').toString()}${step}`
      .replace(lan, listed + other)
      .replace('from: alice', `from: ${from}`)
      .replace('br0: {}', 'br0: {}, br1: {}')
      .replace('name: own\n', 'name: own\nallow_changes: true\n');
    const [br0, ...others] = links;
    if (br0 === undefined) throw new Error('no bridge');
    const state = stateWith([{ ...br0, bridge }, ...others, ...more], { fdb });
    return () => {
      const host = hostTopology(loadScenario('own.yml', Buffer.from(text), { readFile }), state, []);
      return makePlan(host.scenario, { runTag, keySha256: '0', ...host });
    };
  }
  const toBob = 'to: bob, pcap: udp.pcap';
  const toAll = 'hex: "ffffffffffff{src_mac}88b6{token}", may_see: [ bob ]';
  const nic = upLink('eth9', { master: 'br0' });

  it('it goes to guests of its bridge where every port leads to a guest', () => {
    expect(sending(toBob)().steps[0]?.flows).toHaveLength(1);
    expect(sending(toAll)().steps[0]?.flows).toHaveLength(1);
  });

  it.each<readonly [string, string, Found]>([
    ['a NIC that is not listed', 'eth9 of br0 may lead out', { more: [nic] }],
    [
      'a NIC that is listed as a guest',
      'eth9 of br0 may lead out',
      { more: [nic], listed: '    nic: { bridge: br0, port: eth9, mac: "00:11:22:33:44:55" }\n' },
    ],
    ['a bond', 'bond0 of br0', { more: [upLink('bond0', { master: 'br0', kind: 'bond' })] }],
    ['a tunnel', 'vx0 of br0', { more: [upLink('vx0', { master: 'br0', kind: 'vxlan' })] }],
    [
      'a pair to another bridge',
      'to1 of br0',
      { more: [upLink('to1', { master: 'br0', kind: 'veth', lower: 'to0' }), upLink('to0', { kind: 'veth' })] },
    ],
    [
      'a VLAN of the bridge on another one',
      'br0.10 of br0',
      { more: [upLink('br0.10', { master: 'br1', kind: 'vlan', lower: 'br0' })] },
    ],
    [
      'an uplink by the file',
      'veth9 of br0',
      {
        more: [upLink('veth9', { master: 'br0', kind: 'veth', peer: 7 })],
        listed: lan.replace('eth9', 'veth9'),
      },
    ],
  ])('none leaves by %s, to a group or to a guest that is learned', (_, why, found) => {
    const fdb = [learnedAt('52:54:00:00:00:0b', 'tap1')];
    expect(sending(toAll, { ...found, fdb })).toThrow(why);
    expect(sending(toBob, { ...found, fdb })).toThrow('no static entry keeps the frame from there');
  });

  it('beside a NIC it goes to a guest with a static entry, on a bridge without VLANs that nothing changes', () => {
    const fdb = [{ ...learnedAt('52:54:00:00:00:0b', 'tap1'), state: 'static' }];
    const found = { more: [nic], fdb };
    expect(sending(toBob, found)().steps[0]?.flows).toHaveLength(1);
    expect(sending(toAll, found)).toThrow('eth9 of br0');
    expect(sending(toBob, { ...found, bridge: { vlan_filtering: 1 } })).toThrow('eth9 of br0');
    expect(sending(toBob, { ...found, step: '    set: { br0: { mcast_snooping: off } }\n' })).toThrow('eth9 of br0');
    const elsewhere = { ...learnedAt('52:54:00:00:00:0b', 'tap1'), state: 'static', master: 'br1' };
    expect(sending(toBob, { more: [nic], fdb: [elsewhere] })).toThrow('eth9 of br0');
  });

  it.each([
    ['a guest of another bridge', 'to: dave, pcap: udp.pcap', 'no guest of br0 has that MAC'],
    ['its MAC', 'hex: "52540000000d{src_mac}88b6{token}"', 'no guest of br0 has that MAC'],
    ['the host, which may route it', 'hex: "020000000001{src_mac}88b6{token}"', 'no guest of br0 has that MAC'],
  ])('none goes to %s', (_, probe, why) => {
    expect(sending(probe)).toThrow(why);
  });

  it('none is sent by the uplink', () => {
    const fdb = [{ ...learnedAt('52:54:00:00:00:0b', 'tap1'), state: 'static' }];
    const listed = '    nic: { bridge: br0, port: eth9, mac: "00:11:22:33:44:55" }\n';
    expect(sending(toBob, { more: [nic], fdb, listed, from: 'nic' })).toThrow('nic is no guest');
    expect(sending(toBob, { more: [nic], fdb, listed: lan, from: 'lan' })).toThrow('lan is no guest');
  });
});
