import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Change } from '../../../src/core/model/fabric.js';
import { applyToKernel } from '../../../src/system/fabric/apply.js';
import { undoOf } from '../../../src/system/fabric/host/undo-of.js';
import { undoAll } from '../../../src/system/fabric/host/undo.js';
import { readJson } from '../../../src/system/process/programs.js';
import { readState } from '../../../src/system/state/read.js';
import { throwAwayHost, type ThrowAwayHost } from '../../support/lab/throw-away-host.js';
import { describeOnKernelWith } from '../../support/lab/features.js';

type VlanChange = Extract<Change, { kind: 'vlan' }>;

describeOnKernelWith(['VLAN filtering'], 'a VLAN that a run on a host adds or takes away', () => {
  let host: ThrowAwayHost;
  beforeAll(() => {
    host = throwAwayHost();
    host.run(['ip', 'link', 'set', 'dev', 'br0', 'type', 'bridge', 'vlan_filtering', '1']);
    host.run(['bridge', 'vlan', 'add', 'dev', 'vnet0', 'vid', '20-22']);
  });
  afterAll(() => host.close());

  const cases: readonly (readonly [string, VlanChange['act'], Omit<VlanChange['entry'], 'port'>])[] = [
    ['a new one', 'add', { first: 10, last: 12, pvid: false, untagged: true }],
    ['a new PVID, which takes the flag from the old one', 'add', { first: 10, last: 10, pvid: true, untagged: true }],
    ['one that was there, with other flags', 'add', { first: 21, last: 21, pvid: false, untagged: true }],
    ['part of a range', 'del', { first: 21, last: 21, pvid: false, untagged: false }],
    ['the PVID', 'del', { first: 1, last: 1, pvid: false, untagged: false }],
  ];
  it.each(cases)('is put back: %s', async (_what, act, entry) => {
    const { netns } = host;
    const show = (): string => host.run(['bridge', 'vlan', 'show', 'dev', 'vnet0']);
    const [before, change] = [show(), { kind: 'vlan', act, entry: { ...entry, port: 'vnet0' }, self: false } as const];
    const vlans = await readJson(['bridge', '-j', 'vlan', 'show', 'dev', 'vnet0'], { netns });
    const entries = undoOf(
      change,
      { runId: 'x', state: await readState({ netns, sysfs: false, sysctl: [] }), link: null, vlans },
      () => 'br0',
    );
    await applyToKernel(change, () => 'br0', { folder: '/' }, netns);
    expect(show()).not.toBe(before);
    expect(await undoAll(entries, netns)).toEqual({ undone: 1, unrestored: [], failed: [] });
    expect(show()).toBe(before);
  });

  it('so is an entry without a VLAN, which the kernel also makes in each VLAN of its port', async () => {
    const { netns } = host;
    const mac = '02:00:00:00:00:77'; // nobody's: a guest's own frames would have the bridge learn it meanwhile
    const show = (): string =>
      host
        .run(['bridge', 'fdb', 'show', 'brport', 'vnet0'])
        .split('\n')
        .filter((line) => line.startsWith(mac))
        .sort()
        .join('\n');
    host.run(['bridge', 'fdb', 'replace', mac, 'dev', 'vnet0', 'master', 'dynamic']);
    for (const vid of ['1', '20', '21', '22'])
      host.run(['bridge', 'fdb', 'del', mac, 'dev', 'vnet0', 'master', 'vlan', vid]);
    const before = show();
    const change = {
      kind: 'fdb',
      act: 'add',
      entry: { mac, port: 'vnet0', state: 'static', sticky: false, vlan: null, self: false },
    } as const;
    const entries = undoOf(
      change,
      { runId: 'x', state: await readState({ netns, sysfs: false, sysctl: [] }), link: null, vlans: null },
      () => 'br0',
    );
    await applyToKernel(change, () => 'br0', { folder: '/' }, netns);
    expect(show()).toContain('vlan 21');
    expect(await undoAll(entries, netns)).toEqual({ undone: 1, unrestored: [], failed: [] });
    expect(show()).toBe(before);
  });
});
