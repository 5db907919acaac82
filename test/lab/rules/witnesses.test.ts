import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type JudgedHost, addressOfGuest, type WholeHost, wholeHost } from '../../support/lab/whole-host.js';
import { kernel } from '../../support/lab/features.js';
import { type Missing, needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

/** A chain of nft at a port, with these rules. */
const atPort = (...rules: readonly string[]): string =>
  `nft -f - <<'T'\ntable netdev t {\n chain c {\n type filter hook ingress device v1 priority 0\n ${rules.join('\n ')}\n }\n}\nT`;
const mirrorTo4 = 'action mirred egress mirror dev v4';

/** A guest's own connections to this port of another, until it is ended: no program accepts them there. */
const ownTraffic = `
import socket, time
while True:
  s = socket.socket(); s.settimeout(0.05)
  try: s.connect(('${addressOfGuest(2)}', 443))
  except OSError: pass
  s.close(); time.sleep(0.02)
`;

async function onHost(script: string, run: (host: WholeHost) => Promise<void>): Promise<void> {
  const host = wholeHost(4);
  const traffic = host.start(1, ['python3', '-c', ownTraffic]);
  try {
    host.sh(script);
    await run(host);
  } finally {
    traffic.kill();
    host.close();
  }
}

const leaksOf = ({ result }: JudgedHost): readonly string[] => [
  ...new Set(
    result.steps.flatMap(({ findings }) =>
      findings.filter(({ leak }) => leak).map(({ observer, variant = '' }) => `${variant} at ${observer}`),
    ),
  ),
];
const causesOf = ({ result }: JudgedHost): readonly (readonly [string, readonly string[], readonly string[]])[] =>
  result.steps.flatMap(({ groups = [] }) =>
    groups.flatMap(({ causes }) => causes.map(({ code, places, fixes }) => [code, places, fixes] as const)),
  );

interface Case {
  readonly name: string;
  readonly script: string;
  readonly rule: string;
  readonly fix: readonly string[];
  readonly lacking: Missing;
  readonly isRare?: true;
}

const cases: readonly Case[] = [
  {
    name: 'nft at a port',
    script: atPort('tcp dport 443 counter dup to v4'),
    rule: 'nft netdev t c handle 2',
    fix: ['nft delete rule netdev t c handle 2'],
    lacking: kernel("nft's family netdev"),
  },
  {
    name: 'u32 of tc',
    script: `tc qdisc add dev v1 clsact; tc filter add dev v1 ingress protocol ip pref 7 u32 match ip protocol 6 0xff match ip dport 443 0xffff ${mirrorTo4}`,
    rule: 'tc v1 ingress pref 7 handle 800::800',
    fix: ['tc filter del dev v1 ingress protocol ip pref 7 handle 800::800 u32'],
    lacking: null,
  },
  {
    name: 'flower of tc',
    script: `tc qdisc add dev v1 clsact; tc filter add dev v1 ingress protocol ip pref 7 flower ip_proto tcp dst_port 443 ${mirrorTo4}`,
    rule: 'tc v1 ingress pref 7 handle 0x1',
    fix: ['tc filter del dev v1 ingress protocol ip pref 7 handle 0x1 flower'],
    lacking: kernel("tc's flower"),
    isRare: true,
  },
  {
    name: 'nft of IP, by an address',
    script:
      'nft add table ip t; nft "add chain ip t c { type filter hook prerouting priority 0; }"; nft add rule ip t c tcp dport 443 dup to 10.9.0.4 device br0',
    rule: 'nft ip t c handle 2',
    fix: ['nft delete rule ip t c handle 2'],
    lacking: null,
  },
];

/** Words of a run that asks rules, and no more classes of probes than that takes. */
const few = ['--class', 'known-unicast'];
/** `npm test` has one of each kind; kernels of build machines lack some, which a second kernel has. */
function tagsOf(at: number, isRare: boolean): { tags?: string[] } {
  if (isRare) return { tags: ['kernel', 'all'] };
  return at === 0 ? {} : { tags: ['all'] };
}

describe('a rule that copies tcp dport 443', { ...needs(root), timeout: patient(300_000) }, () => {
  for (const [at, { name, script, rule, fix, lacking, isRare = false }] of cases.entries())
    it(`is BROKEN by a witness, and named, beside guests' own traffic: ${name}`, {
      ...needs(lacking),
      ...tagsOf(at, isRare),
    }, async () => {
      await onHost(script, async (host) => {
        const run = await host.judge('out', ...few);
        expect([run.status, run.result.verdict, leaksOf(run)], run.text).toEqual([2, 'broken', [`asks ${rule} at v4`]]);
        const [first] = causesOf(run);
        expect([first?.[0], first?.[2]], run.text).toEqual(['mirror', fix]);
        const { read, rules = [] } = run.result.rules ?? {};
        expect([
          read,
          rules.map(({ name: named, witnesses }) => [named, witnesses.map(({ seenAt }) => seenAt)]),
        ]).toEqual([1, [[rule, [expect.arrayContaining(['v4'])]]]]);
        expect(run.text).toMatch(/rules   1 read, 1 copies or moves: 1 asked \(1 witness\)/);
        const page = readFileSync(join(host.dir, 'out', 'evidence', 'report.html'), 'utf8');
        expect(page).toContain(`<dt>${rule}</dt><dd>v1 to v2, ipv4-tcp, protocol 6,`);
        // A counter of the rule is read anew: the witness is in it, and guests' own frames
        const { before = 0, after = 0 } = rules[0]?.counter ?? { before: -1, after: 0 };
        expect([rules[0]?.counter !== undefined, after > before]).toEqual([script.includes('counter'), true]);
      });
    });
});

/** A table of IP with a chain at the hook forward, to which bridged frames come too, and a set that packets fill. */
const guarding = (rule: string): string =>
  `nft add table ip guard; nft 'add set ip guard seen { type ipv4_addr; size 100; flags dynamic; }'; nft 'add chain ip guard f { type filter hook forward priority 0; }'; nft 'add rule ip guard f ${rule}'`;
const copyOf443 = atPort('tcp dport 443 counter dup to v4');

interface Guarded {
  readonly name: string;
  readonly rule: string;
  readonly lacking: Missing;
  readonly isRare?: true;
}
const guarded: readonly Guarded[] = [
  { name: 'a set that packets fill', rule: 'tcp dport 443 update @seen { ip saddr }', lacking: null },
  { name: 'a limit of connections', rule: 'tcp dport 443 ct count over 2 counter drop', lacking: null },
  {
    name: 'a queue to a program',
    rule: 'tcp dport 443 counter queue num 3 bypass',
    lacking: kernel("nft's queue"),
    isRare: true,
  },
];

describe('a host whose rules keep state', {
  ...needs(root, kernel("nft's family netdev")),
  timeout: patient(300_000),
}, () => {
  for (const [at, { name, rule, lacking, isRare = false }] of guarded.entries())
    it(`is sent no witness that comes to ${name}, and nothing there changes`, {
      ...needs(lacking),
      ...tagsOf(at, isRare),
    }, async () => {
      const host = wholeHost(4);
      try {
        host.sh(`${copyOf443}\n${guarding(rule)}\nnft -s list table ip guard >before`);
        const { status, text, result } = await host.judge('out', ...few);
        host.sh('nft list table ip guard >after; ! grep -q "elements\\|packets [1-9]" after');
        expect([status, result.verdict], text).toEqual([3, 'inconclusive']);
        expect(result.steps.map((step) => step.name)).not.toContain('rules that copy or move frames');
        expect(text).toMatch(
          /1 copies or moves: 0 asked \(0 witnesses\), 1 not: nft ip guard f handle \d+ may do more/,
        );
      } finally {
        host.close();
      }
    });

  it('is not asked where a rule chooses at random, by a mark, or at all with --rules 0', { tags: 'all' }, async () => {
    const host = wholeHost(3);
    try {
      host.sh(atPort('numgen random mod 2 == 0 tcp dport 443 dup to v3', 'meta mark 7 dup to v3'));
      const { status, text, result } = await host.judge('out', ...few);
      expect([status, result.verdict], text).toEqual([3, 'inconclusive']);
      expect(text).toContain('0 asked (0 witnesses), 2 not: needs numgen mode random mod 2 offset 0 0; needs mark 7');
      host.sh('nft add rule netdev t c udp dport 53 dup to v3');
      const { text: unasked, result: second } = await host.judge('again', ...few, '--rules', '0');
      expect(unasked).toContain('3 copy or move: 0 asked (0 witnesses), 3 not: --rules 0');
      expect(second.verdict, unasked).toBe('inconclusive');
    } finally {
      host.close();
    }
  });
});
