import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  grepSteps,
  hostTrust,
  inSeries,
  parseSets,
  strictly,
  trusting,
} from '../../../../../src/cli/commands/scenario/series.js';
import type { Scenario } from '../../../../../src/core/model/scenario.js';
import { loadScenario } from '../../../../../src/core/scenario/load-scenario.js';

const named = (name: string): Scenario =>
  loadScenario(
    `${name}.yml`,
    new TextEncoder().encode(`version: 1
name: ${name}
topology: { bridges: { br0: {} }, endpoints: { a: { bridge: br0, port: p0 }, b: { bridge: br0, port: p1 }, c: { bridge: br0, port: p2 } } }
steps:
  - { name: prepares ${name}, set: { br0: { ageing_time: 5s } }, probe: [ { class: known-unicast, from: a, to: b } ] }
  - { name: tests ${name}, probe: [ { class: known-unicast, from: b, to: a } ] }
`),
  );
const scenarios = ['one', 'two', 'three'].map(named);
const names = (list: readonly Scenario[]): readonly string[] => list.map(({ name }) => name);

describe('--grep', () => {
  it('judges only the steps that it fits; the others still change what they change', () => {
    const [only] = grepSteps(scenarios, '^tests two$');
    expect(only?.name).toBe('two');
    expect(only?.grep).toBe('^tests two$');
    expect(only?.steps.map(({ set, probes, expect: { expected } }) => [set.length, probes.length, expected])).toEqual([
      [1, 0, null],
      [0, 1, 'holds'],
    ]);
  });

  it('refuses what fits no step, and what is no regular expression', () => {
    expect(() => grepSteps(scenarios, 'nothing')).toThrow(/no step has such a name/);
    expect(() => grepSteps(scenarios, '(')).toThrow(/--grep: /);
  });
});

describe('--repeat and --shuffle', () => {
  it('number of runs per file, in an order that the seed alone decides', () => {
    expect(names(inSeries(scenarios, 2, null))).toEqual(['one', 'two', 'three', 'one', 'two', 'three']);
    const shuffled = Array.from({ length: 20 }, (_, seed) => names(inSeries(scenarios, 2, seed)).join(' '));
    expect(shuffled).toEqual(Array.from({ length: 20 }, (_, seed) => names(inSeries(scenarios, 2, seed)).join(' ')));
    expect(new Set(shuffled).size).toBeGreaterThan(10);
    for (const order of shuffled)
      expect(order.split(' ').sort()).toEqual(['one', 'one', 'three', 'three', 'two', 'two']);
  });
});

describe('--set', () => {
  it('takes everything behind the first = as the value, and the last one of a name', () => {
    expect([...parseSets(['a=1', 'b=x=y', 'a='])]).toEqual([
      ['a', ''],
      ['b', 'x=y'],
    ]);
    expect(() => parseSets(['=1'])).toThrow(/expected NAME=VALUE/);
    expect(() => parseSets(['a'])).toThrow(/expected NAME=VALUE/);
  });
});

describe('--strict', () => {
  it('takes what is open by design for a leak, also at an addressee that must see it', () => {
    const scenario = loadScenario(
      'open.yml',
      new TextEncoder().encode(`version: 1
name: open
topology: { bridges: { br0: {} }, endpoints: { a: { bridge: br0, port: p0 }, b: { bridge: br0, port: p1 }, c: { bridge: br0, port: p2 } } }
steps:
  - name: one
    probe:
      - { class: known-unicast, from: a, to: b, open_by_design: [ a, b ] }
      - { class: known-unicast, from: b, to: a }
      - { class: broadcast, from: a, may_see: [], open_by_design: [ b ] }
`),
    );
    const probes = strictly(scenario).steps[0]?.probes ?? [];
    expect(probes.map(({ openByDesign, maySee, mustSee }) => [openByDesign, maySee, mustSee])).toEqual([
      [undefined, [], []],
      [undefined, null, null],
      [undefined, [], null],
    ]);
  });
});

describe('--trust', () => {
  const trusted = (...words: readonly string[]) =>
    trusting(
      words,
      'CHG-1',
    )(named('one'))
      .steps.map(({ trust = [] }) => trust.map(({ what, where, reason, ticket }) => [what, where, reason, ticket]))
      .at(-1);

  it('is what each step trusts, where it stands if that is named', () => {
    expect(trusted('packet socket of suricata', 'BPF program cil_* at lxc* tcx ingress')).toEqual([
      ['packet socket of suricata', null, 'run --trust packet socket of suricata', 'CHG-1'],
      ['BPF program cil_*', 'lxc* tcx ingress', 'run --trust BPF program cil_* at lxc* tcx ingress', 'CHG-1'],
    ]);
    expect(trusted()).toEqual([]);
  });

  it('comes from a file, a line each with its reason, that nobody else may write', () => {
    const dir = mkdtempSync(join(tmpdir(), 'trust-'));
    const file = join(dir, 'trust');
    try {
      writeFileSync(file, '# of this host\n\npacket socket of arpwatch # reads ARP\nnft dup at nft netdev t c\n', {
        mode: 0o644,
      });
      expect(trusted(`@${file}`)).toEqual([
        ['packet socket of arpwatch', null, 'reads ARP', 'CHG-1'],
        ['nft dup', 'nft netdev t c', `a line of ${file}`, 'CHG-1'],
      ]);
      chmodSync(file, 0o666);
      expect(() => trusted(`@${file}`)).toThrow(`--trust @${file}: others than its user and root may write it`);
      expect(() => trusted(`@${dir}`)).toThrow('it is no file');
      symlinkSync(join(dir, 'none'), join(dir, 'link'));
      expect(() => trusted(`@${join(dir, 'link')}`)).toThrow('no such file or directory');
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('is also read of the host, if its file and folder are root’s alone', () => {
    expect(hostTrust('/etc/passwd')).toEqual(['@/etc/passwd']);
    expect(hostTrust('/etc/verify-isolation.none/trust')).toEqual([]);
    const dir = mkdtempSync(join(tmpdir(), 'host-trust-'));
    const [file, link] = [join(dir, 'trust'), join(dir, 'link')];
    try {
      writeFileSync(file, 'packet socket of arpwatch\n');
      chmodSync(file, 0o620);
      expect(() => hostTrust(file)).toThrow(`${file}: others than root may write it`);
      symlinkSync('/etc/passwd', link);
      expect(() => hostTrust(link)).toThrow(`${link}: others than root may write it`);
      // /tmp is everybody's, whose file it may be
      expect(() => hostTrust(dir)).toThrow(`${dir}: others than root may write it`);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('does not take back what --strict demands', () => {
    expect(strictly(named('one')).steps.map(({ noReaders }) => noReaders)).toEqual([true, true]);
  });
});
