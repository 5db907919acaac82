// @module-tag all
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { entryText } from '../../../src/report/stories.js';
import { alike, runLab, threeOn } from '../../support/lab/program.js';
import { file, needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const python = '/usr/bin/python3';
const tools = fileURLToPath(new URL('../../system/adversary/tools/attack.py', import.meta.url));

const probe = (more: string): string =>
  `{ class: known-unicast, from: a, to: b, carriers: [raw, ipv4-udp, ipv4-tcp, ipv4-icmp, arp, ipv6-udp, ipv6-icmp], count: 5${more} }`;

const isolation = ['p0', 'p1', 'p2'].map((port) => `ip link set dev ${port} type bridge_slave isolated on`);

/** What a run of isolated guests says of the probes of `a`, with what `setup` makes at its port meanwhile. */
async function saidWith(
  setup: readonly (string | readonly string[])[],
  more = '',
): Promise<{ readonly verdict: string | null; readonly lines: readonly string[] }> {
  const run = JSON.stringify(
    [...isolation, ...setup].map((line) => (typeof line === 'string' ? line.split(' ') : line)),
  );
  const steps = `  - name: one\n    run: ${run}\n    probe: ${probe(more)}\n    expect: separated`;
  const { result } = await runLab(threeOn('{}', steps), '--allow-run');
  const [step] = result.steps;
  return {
    verdict: step?.verdict ?? null,
    lines: [
      ...(step?.heldAtEntry ?? []).map(entryText),
      ...(step?.reasons ?? []).map(({ code, text }) => `${code} ${text}`),
    ],
  };
}

describe('probes of each carrier and tag stack', needs(root), () => {
  const time = { ...alike, timeout: patient(300_000) };

  it('come into a plain bridge, tagged or not', time, async () => {
    expect(await saidWith([])).toEqual({ verdict: 'holds', lines: [] });
    expect(await saidWith([], ', vlan: [[], [20], [10, 20]]')).toEqual({ verdict: 'holds', lines: [] });
  });

  it('that a rule at the port of their sender drops are held at entry, which the report says', time, async () => {
    const dropping = await saidWith([
      'nft add table netdev fw',
      'nft add chain netdev fw in { type filter hook ingress device "p0" priority 0 ; }',
      'nft add rule netdev fw in meta protocol ip drop',
    ]);
    expect(dropping).toEqual({
      verdict: 'holds',
      lines: ['ipv4-udp', 'ipv4-tcp', 'ipv4-icmp'].map(
        (carrier) => `held at entry: a untagged ${carrier}: nft netdev fw in`,
      ),
    });
    const tagged = await saidWith(
      [
        'nft add table bridge fw',
        'nft add chain bridge fw in { type filter hook prerouting priority 0 ; }',
        'nft add rule bridge fw in ether type vlan vlan id 20 drop',
      ],
      ', vlan: [[], [20]]',
    );
    expect(tagged.verdict).toBe('holds');
    expect(tagged.lines).toHaveLength(7);
    expect(tagged.lines).toContain('held at entry: a 802.1Q 20 raw: nft bridge fw in');
  });

  it('that a program drops there are inconclusive: what it does cannot be read', {
    ...needs(file(python)),
    timeout: patient(300_000),
  }, async () => {
    const drop = [
      `said=$(mktemp); ${python} ${tools} bpf p0 tcx-in drop-ipv4 p0 1 >"$said" &`,
      'until grep -q ready "$said"; do kill -0 $!; sleep 0.02; done; rm -f "$said"',
    ].join('\n');
    const { verdict, lines } = await saidWith([['sh', '-ec', drop]]);
    expect(verdict).toBe('inconclusive');
    expect(lines.filter((line) => line.startsWith('entry-unproved'))).toEqual(
      ['ipv4-udp', 'ipv4-tcp', 'ipv4-icmp'].map((carrier) =>
        expect.stringMatching(
          `^entry-unproved no control of a in the form of its probes \\(untagged ${carrier}\\) was received on the bridge: BPF program \\d+ at p0 tcx ingress may keep them out, and what a program does cannot be read$`,
        ),
      ),
    );
  });
});
