import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import type { HostState } from '../../../src/core/model/state.js';
import { outcomeOf, throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { describeOnKernelWith } from '../../support/lab/features.js';

describeOnKernelWith(['VLAN filtering'], 'the twin of a bridge that filters VLANs', () => {
  let host: ThrowAwayHost;
  beforeAll(() => {
    host = throwAwayHost();
    const vlan = (...words: readonly string[]): string => host.run(['bridge', 'vlan', ...words]);
    host.run(['ip', 'link', 'set', 'dev', 'br0', 'type', 'bridge', 'vlan_filtering', '1']);
    for (const [port, vid] of [
      ['vnet0', '10'],
      ['vnet4', '20'],
      ['spare', '20'],
    ] as const)
      vlan('add', 'dev', port, 'vid', vid, 'pvid', 'untagged');
    vlan('del', 'dev', 'vnet0', 'vid', '1');
    vlan('add', 'dev', 'uplink', 'vid', '10-20');
    vlan('add', 'dev', 'br0', 'vid', '10', 'self');
  });
  afterAll(() => host.close());

  it('has the VLANs of every port, and shows where two are in one', async () => {
    const out = join(host.dir, 'twin');
    const { stderr } = await outcomeOf(host.cli(['run', '--twin', '--class', 'vlan-hop', '--quiet', '--out', out]));
    expect(stderr).toBe('');
    const read = (file: string): unknown => JSON.parse(readFileSync(join(out, 'evidence', file), 'utf8'));
    const last =
      readdirSync(join(out, 'evidence/state'))
        .filter((name) => name.endsWith('before.json'))
        .sort()
        .at(-1) ?? '';
    const vlansOf = (vlan: unknown): readonly string[] =>
      (vlan as readonly { readonly ifname: string; readonly vlans: unknown }[])
        .map((port) => JSON.stringify(port))
        .sort();
    expect(vlansOf((read(`state/${last}`) as HostState).vlan)).toEqual(
      vlansOf(JSON.parse(host.run(['bridge', '-j', 'vlan', 'show']))),
    );
    const { steps } = read('result.json') as Result;
    // vnet0 has no VLAN but 10: nothing of its own making gets out of it.
    expect(
      steps.map(({ verdict, findings }) => ({
        verdict,
        leaks: findings.filter(({ leak }) => leak).map(({ observer }) => observer),
      })),
    ).toEqual([{ verdict: 'holds', leaks: [] }]);
  });
});
