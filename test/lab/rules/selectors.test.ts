import { execFileSync } from 'node:child_process';
import { closeSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { surveyRules } from '../../../src/core/bridge/bypass/witnesses.js';
import { copyRules } from '../../../src/core/bridge/bypass/copy-rules.js';
import { type FieldName, type FrameFields, takesFrame } from '../../../src/core/bridge/bypass/selector.js';
import type { HostState } from '../../../src/core/model/state.js';
import { buildFrame } from '../../../src/core/probe/frames/frame.js';
import { fieldsOf, numberOf, objectsOf, objectsWithin } from '../../../src/core/text/json-text.js';
import { tokenLength } from '../../../src/core/wire/token.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { readState } from '../../../src/system/state/read.js';
import { kernel } from '../../support/lab/features.js';
import { type Random, randomFrom } from '../../support/lab/random.js';
import { needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const speakers = [1, 2, 3].map((n) => ({
  name: `v${n}`,
  mac: `52:54:00:00:00:0${n}`,
  ips: [`10.9.0.${n}`, `fd00::${n}`],
  port: n === 1 ? 'v1' : `v${n}`,
  bridge: 'br0',
  segment: 'br0',
  isRouted: false,
}));

/** Conditions as nft(8) writes them, each with numbers of its own. */
const nftConditions: readonly ((random: Random) => string)[] = [
  (r) => `tcp dport ${r.pick(['443', '{ 22, 8000-8010 }', '!= 80', '> 60000', '1-1023'])}`,
  (r) => `udp sport ${r.pick(['5000', '!= { 1-60000 }', '< 9'])}`,
  (r) => `tcp flags ${r.pick(['& (syn|ack) == syn', 'syn', '{ rst, syn|ack }', '& (fin|rst) != 0'])}`,
  (r) => `ip saddr ${r.pick(['10.9.0.1', '10.9.0.0/30', '!= 10.9.0.1', '@known', '!= @known'])}`,
  (r) => `ip daddr ${r.pick(['10.9.0.2', '{ 10.9.0.3, 10.9.0.8-10.9.0.9 }', '!= { 10.9.0.2 }'])}`,
  (r) => `ip6 daddr ${r.pick(['fd00::2', 'fd00::/16', '!= fd00::2'])}`,
  (r) =>
    `ether saddr ${r.pick(['52:54:00:00:00:01', '!= 52:54:00:00:00:01', '& ff:ff:ff:00:00:00 == 52:54:00:00:00:00'])}`,
  (r) => `ether daddr ${r.pick(['52:54:00:00:00:02', '!= 52:54:00:00:00:02'])}`,
  (r) => `ether type ${r.pick(['0x88b5', 'ip', 'ip6', '!= arp'])}`,
  (r) => `ip protocol ${r.pick(['tcp', '{ udp, icmp }', '!= tcp', '132'])}`,
  (r) => `meta l4proto ${r.pick(['udp', '{ tcp, sctp }', 'ipv6-icmp'])}`,
  (r) => `meta length ${r.pick(['60-90', '> 200', '1400', '!= 100'])}`,
  (r) => `ip length ${r.pick(['100-300', '!= 64'])}`,
  (r) => `ip dscp ${r.pick(['ef', '{ cs1, af41 }', '!= cs0'])}`,
  (r) => `ip6 dscp ${r.pick(['af31', '!= cs0'])}`,
  (r) => `ip ttl ${r.pick(['64', '< 5', '!= 64'])}`,
  (r) => `icmp type ${r.pick(['echo-request', '!= echo-request'])}`,
  (r) => `icmpv6 type ${r.pick(['echo-reply', '{ echo-request, echo-reply }'])}`,
  (r) => `sctp dport ${r.pick(['36412', '!= 1'])}`,
  (r) => `th dport ${r.pick(['53', '{ 443, 9999 }'])}`,
];
/** The same of u32 (tc-u32(8)), behind its protocol. */
const u32Conditions: readonly (readonly [string, (random: Random) => string])[] = [
  ['ip', (r) => `match ip protocol 6 0xff match ip dport ${r.pick(['443', '80'])} 0xffff`],
  ['ip', (r) => `match ip src ${r.pick(['10.9.0.1/32', '10.9.0.0/30'])}`],
  ['ip', (r) => `match ip dst 10.9.0.2/32 match ip tos ${r.pick(['0xb8', '0x20'])} 0xfc`],
  ['ip', () => 'match u16 0x5254 0xffff at -14 match u32 0x00000002 0xffffffff at -12'],
  ['ip', () => 'match u8 17 0xff at 9 match u32 0x13880000 0xfff80000 at 20'],
  ['ip', () => 'match ip protocol 1 0xff match ip icmp_type 8 0xff'],
  ['ipv6', () => 'match ip6 dst fd00::2/128'],
  ['ipv6', () => 'match u8 6 0xff at 6 match u16 443 0xffff at 42'],
  ['all', () => 'match u16 0x88b5 0xffff at -2'],
];

/** Sends frames in hexadecimal, a line each, and answers each line once it has left. */
const sender = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('w1', 0))
for line in sys.stdin: s.send(bytes.fromhex(line.strip()))
`;

let host = -1;
const path = (): string => `/proc/${process.pid}/fd/${host}`;
const sh = (script: string, input?: string): string =>
  inNamespaceFd(host, () => execFileSync('sh', ['-ec', script], { encoding: 'utf8', input, stdio: 'pipe' }));
const read = (): Promise<HostState> => readState({ netns: path(), sysfs: false, sysctl: [] });

/** Fields of a frame by its bytes, without the builder's help. */
function fieldsIn(bytes: Uint8Array): FrameFields {
  const value = (at: number, length: number): bigint =>
    bytes.subarray(at, at + length).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  const fields: Partial<Record<FieldName, bigint>> = {
    destinationMac: value(0, 6),
    sourceMac: value(6, 6),
    etherType: value(12, 2),
    length: BigInt(bytes.length - 14),
  };
  const version = { 0x0800: 4, 0x86dd: 6 }[Number(fields.etherType)];
  if (version === undefined) return fields;
  const isV4 = version === 4;
  const at = isV4 ? 34 : 54;
  const protocol = value(isV4 ? 23 : 20, 1);
  Object.assign(fields, {
    protocol,
    [isV4 ? 'source4' : 'source6']: value(isV4 ? 26 : 22, isV4 ? 4 : 16),
    [isV4 ? 'destination4' : 'destination6']: value(isV4 ? 30 : 38, isV4 ? 4 : 16),
    hopLimit: value(isV4 ? 22 : 21, 1),
    dscp: isV4 ? value(15, 1) >> 2n : (value(14, 2) >> 6n) & 63n,
  });
  const isIcmp = protocol === 1n || protocol === 58n;
  Object.assign(
    fields,
    isIcmp
      ? { icmpType: value(at, 1), icmpCode: value(at + 1, 1) }
      : { sourcePort: value(at, 2), destinationPort: value(at + 2, 2) },
  );
  if (protocol === 6n) fields.tcpFlags = value(at + 13, 1);
  return fields;
}

/** The frames that ask these rules, by name of the rule. */
function framesOf(state: HostState): readonly Uint8Array[] {
  const { rules } = surveyRules({ state, speakers, uplinks: [], perRule: 2 });
  const macOf = (name: string): string => speakers.find((speaker) => speaker.name === name)?.mac ?? '';
  return rules.flatMap(({ witnesses }) =>
    witnesses.map(({ from, to, carrier, size, srcIp, dstIp, fields }) =>
      buildFrame(
        { carrier, vlan: [], srcMac: macOf(from), dstMac: macOf(to), srcIp, dstIp, size, fields },
        new Uint8Array(tokenLength),
      ),
    ),
  );
}

const way = { in: 'v1', out: 'v2' };
const compared = { asked: 0, members: 0, others: 0 };

/** Sends each frame and compares each rule's own count with its selector. */
async function compare(counts: () => readonly number[]): Promise<readonly string[]> {
  const state = await read();
  const rules = copyRules(state);
  const frames = framesOf(state);
  const wrong: string[] = [];
  compared.asked += rules.length;
  for (const frame of frames) {
    const before = counts();
    sh(`python3 -c "${sender}"`, `${Buffer.from(frame).toString('hex')}\n`);
    const after = counts();
    rules.forEach(({ name, selectors }, at) => {
      const [selector] = selectors;
      const predicted = selector === undefined ? '?' : takesFrame(selector, fieldsIn(frame), way);
      const seen = (after[at] ?? 0) > (before[at] ?? 0) ? 'yes' : 'no';
      compared[seen === 'yes' ? 'members' : 'others'] += 1;
      if (predicted !== 'perhaps' && predicted !== seen)
        wrong.push(
          `${name}: ${predicted}, kernel ${seen}: ${Buffer.from(frame).toString('hex')} ${JSON.stringify(selector, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v))}`,
        );
    });
  }
  return wrong;
}

describe('selectors of rules', { ...needs(root, kernel("nft's family netdev")), timeout: patient(180_000) }, () => {
  beforeAll(() => {
    host = newNamespace(disableIpv6);
    sh(
      'ip link add v1 type veth peer name w1; ip link add v2 type veth peer name w2; for i in v1 w1 v2 w2; do ip link set $i up; done; tc qdisc add dev v1 clsact',
    );
  });
  afterAll(() => closeSync(host));

  const compareDrawn = async (seed: number): Promise<void> => {
    const random = randomFrom(seed);
    sh(
      'nft flush ruleset; nft add table netdev t; nft "add set netdev t known { type ipv4_addr; flags interval; elements = { 10.9.0.1, 10.9.0.16/28 }; }"; nft "add chain netdev t c { type filter hook ingress device v1 priority 0; }"',
    );
    let left = 16;
    while (left > 0) {
      const drawn = [...new Set(Array.from({ length: 1 + random.below(2) }, () => random.pick(nftConditions)))];
      const text = drawn.map((draw) => draw(random)).join(' ');
      try {
        sh(`nft "add rule netdev t c ${text} counter dup to v2"`);
        left -= 1;
      } catch {
        // two conditions that nft itself sees to exclude each other
      }
    }
    const counts = (): readonly number[] =>
      objectsOf(fieldsOf(JSON.parse(sh('nft -j list ruleset')))?.['nftables'])
        .flatMap(({ rule }) => objectsOf([rule]))
        .map((rule) => numberOf([...objectsWithin(rule['expr'])].find((part) => 'packets' in part)?.['packets']) ?? 0);
    expect(await compare(counts)).toEqual([]);
  };
  const title = 'of nft select what the kernel selects, drawn with seed %s';
  it.each([1])(title, compareDrawn);
  it.each([2, 3, 4, 5, 6])(title, { tags: 'all' }, compareDrawn);

  it('of u32 select what the kernel selects', async () => {
    const random = randomFrom(4);
    sh('nft flush ruleset');
    u32Conditions.forEach(([protocol, draw], at) => {
      sh(
        `tc filter add dev v1 ingress protocol ${protocol} pref ${at + 1} u32 ${draw(random)} action mirred egress mirror dev v2 continue`,
      );
    });
    const counts = (): readonly number[] =>
      [...objectsWithin(JSON.parse(sh('tc -s -j filter show dev v1 ingress')))]
        .filter(({ kind }) => kind === 'mirred')
        .map((action) => numberOf(fieldsOf(action['stats'])?.['packets']) ?? 0);
    expect(await compare(counts)).toEqual([]);
  });

  it('had members and others of many rules', () => {
    expect(compared.asked).toBeGreaterThanOrEqual(25);
    expect([compared.members > 30, compared.others > 200]).toEqual([true, true]);
  });
});
