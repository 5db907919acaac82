import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { audit } from '../../../../src/core/audit/audit.js';
import { setBridge, setPort } from '../../../../src/core/bridge/changes.js';
import { proxmoxManagers } from '../../../../src/core/discover/managers/proxmox.js';
import { persistentFixes, withPersistentFixes } from '../../../../src/core/fix/persistent.js';
import type { ConfigurationManager, PersistentFix } from '../../../../src/core/model/fix.js';
import type { Cause } from '../../../../src/core/model/result.js';
import { persistentBlocks } from '../../../../src/report/stories.js';
import { judge, perfectRun } from '../../../support/judge/perfect-run.js';
import { zero } from '../../../support/judge/row-fixture.js';
import { setBridges, setLinks, setPorts } from '../../../support/link-state.js';
import { defaultBridge, withState } from '../../../support/snapshots/recorded.js';

const nic = (number: number): ConfigurationManager => ({
  by: 'Proxmox VE',
  device: `tap100i${number}`,
  program: 'qm',
  id: 100,
  nic: `net${number}`,
  value: `virtio=BC:24:11:00:00:0${number},bridge=vmbr0`,
  bridge: 'vmbr0',
  isVnet: false,
});
const [first, second] = [nic(0), nic(1)];
const netplan = (device: string, kind: string): ConfigurationManager => ({
  by: 'netplan',
  device,
  kind,
  file: '/etc/netplan/01.yaml',
  renderer: 'networkd',
});
const port = (device: string): ConfigurationManager => ({
  by: 'ifupdown2',
  device,
  file: '/etc/network/interfaces',
  bridge: 'vmbr0',
});
const guest = (device: string, mac: string): ConfigurationManager => ({
  by: 'libvirt',
  device,
  keeps: 'guest',
  guest: 'kali',
  mac,
  network: null,
  bridge: 'br0',
});
const places = (fixes: readonly PersistentFix[] = []): readonly string[] => fixes.map(({ where }) => where);
const script = [
  '#!/bin/sh',
  `[ "$1 $2" = '100 post-start' ] || exit 0`,
  'bridge link set dev tap100i0 isolated on',
  'bridge link set dev tap100i1 isolated on',
].join('\n');

describe('what goes to one file', () => {
  it('is one hookscript for all NICs of a guest of Proxmox VE, and one call that sets it', () => {
    const fixes = persistentFixes(
      [setPort('tap100i0', 'isolated', true), setPort('tap100i1', 'isolated', true)],
      [first, second],
    );
    expect(fixes).toMatchObject([{ where: '/var/lib/vz/snippets/isolation-100.sh', form: script }]);
    expect(fixes[0]?.apply.split('--hookscript')).toHaveLength(2);
    const several = persistentFixes(
      [setPort('tap100i0', 'isolated', true), setPort('tap100i0', 'guard', true)],
      [first],
    );
    expect(several).toMatchObject([{ form: expect.stringMatching(/isolated on\n.* guard on$/) }]);
    expect(several[0]?.note).toBe(
      'vmbr0 is no VNet: only VNets have the option isolate-ports; Proxmox VE has no option for it',
    );
  });

  it('keeps both settings of the firewall of a guest', () => {
    const fixes = persistentFixes(
      [setPort('tap100i0', 'locked', true), setPort('tap100i1', 'locked', true)],
      [first, second],
    );
    expect(places(fixes)).toEqual(['/etc/pve/firewall/100.fw']);
    expect(fixes[0]?.form.match(/OPTIONS/g)).toHaveLength(1);
    expect(fixes[0]?.apply).toMatch(/--net0 .*--net1 /);
  });

  it('is one document of netplan, whatever the order of its devices', () => {
    const fixes = persistentFixes(
      [
        setBridge('br0', 'ageing_time', 30_000),
        setPort('enp8s0', 'learning', false),
        setBridge('br1', 'ageing_time', 1000),
      ],
      [netplan('br0', 'bridges'), netplan('enp8s0', 'ethernets'), netplan('br1', 'bridges')],
    );
    expect(places(fixes)).toEqual(['/etc/netplan/90-isolation.yaml']);
    expect(parse(fixes[0]?.form ?? '')).toEqual({
      network: {
        version: 2,
        bridges: { br0: { parameters: { 'ageing-time': 300 } }, br1: { parameters: { 'ageing-time': 10 } } },
        ethernets: { enp8s0: { 'port-mac-learning': false } },
      },
    });
  });

  it('is one hook of libvirt, and one <interface>', () => {
    const managers = [guest('vnet0', '52:54:00:00:00:01'), guest('vnet1', '52:54:00:00:00:02')];
    const [hook, ...others] = persistentFixes(
      [setPort('vnet0', 'mcast_flood', false), setPort('vnet1', 'mcast_flood', false)],
      managers,
    );
    expect(others).toEqual([]);
    expect(hook?.form.match(/#!|started/g)).toEqual(['#!', 'started']);
    expect(hook?.form.match(/fe:54:00:00:00:0.|^done$/gm)).toEqual([
      'fe:54:00:00:00:01',
      'done',
      'fe:54:00:00:00:02',
      'done',
    ]);
    expect(
      persistentFixes([setPort('vnet0', 'isolated', true), setPort('vnet0', 'locked', true)], managers),
    ).toMatchObject([{ form: "<port isolated='yes'/>\n<filterref filter='no-mac-spoofing'/>" }]);
  });

  it('is one line for an option of the ports of a stanza', () => {
    expect(
      persistentFixes(
        [setPort('eno1', 'flood', false), setPort('eno1', 'guard', true), setPort('eno2', 'flood', false)],
        [port('eno1'), port('eno2')],
      ),
    ).toMatchObject([
      { form: '    bridge-unicast-flood eno1=off eno2=off\n    post-up bridge link set dev eno1 guard on' },
    ]);
  });
});

describe('what several findings put into one file', () => {
  const renamed = withState(
    defaultBridge,
    setPorts({ isolated: false }),
    setPorts({ isolated: true }, 'vnet2'),
    setLinks(({ name }) => ({ name: name.replace(/^vnet([01])$/, 'tap100i$1') })),
  );
  const found = audit({ ...renamed, keepers: [first, second] }).findings;

  it('is in each of them with what the others of its severity and above want', () => {
    const isolation = found.filter(({ id }) => id === 'isolated-one-sided');
    expect(isolation.map(({ lasting }) => lasting?.map(({ form }) => form))).toEqual([[script], [script]]);
    const lasting = isolation.flatMap((finding) => finding.lasting ?? []);
    const facts = persistentBlocks(lasting).flatMap((block) => (block.kind === 'facts' ? block.facts : []));
    expect(facts.filter(([name]) => name.startsWith('to last'))).toHaveLength(1);
    const low = found.find(({ id, place }) => id === 'broadcast-flood' && place.startsWith('tap100i0'));
    const lines = low?.lasting?.[0]?.form.split('\n');
    expect(lines).toEqual(expect.arrayContaining(script.split('\n')));
    expect(lines).toContain('bridge link set dev tap100i1 bcast_flood off');
  });

  it('is not more than its own in a stanza that is edited, not written', () => {
    const bridge = port('br0');
    const open = withState(defaultBridge, setBridges({ ageing_time: 0, mcast_querier: 0 }));
    const { findings } = audit({ ...open, keepers: [bridge] });
    const formsOf = (code: string) => findings.find(({ id }) => id === code)?.lasting?.map(({ form }) => form);
    expect(formsOf('no-querier')).toEqual(['    bridge-mcquerier 1']);
    expect(formsOf('ageing-zero')).toEqual(['    bridge-ageing 300']);
  });

  it('is in each cause of a step with what it wants elsewhere', () => {
    const [step] = judge(perfectRun()).steps;
    if (step === undefined) throw new Error('the fixture has changed');
    const cause = (device: string): Cause => ({
      code: 'not-isolated',
      place: `${device}.isolated`,
      value: 'off',
      text: 'open',
      fix: `bridge link set dev ${device} isolated on`,
      changes: [setPort(device, 'isolated', true)],
    });
    const rows = ['tap100i0', 'tap100i1'].map((device) => ({ ...zero, leak: true, causes: [cause(device)] }));
    const { findings } = withPersistentFixes({ ...step, findings: rows }, [first, second]);
    expect(findings.flatMap(({ causes }) => causes.map(({ lasting }) => lasting?.map(({ form }) => form)))).toEqual([
      [script],
      [script],
    ]);
  });
});

describe('a guest of Proxmox VE that has a hookscript', () => {
  const config = 'hookscript: local:snippets/mine.pl\nnet0: virtio=BC:24:11:00:00:00,bridge=vmbr0\n';

  it('keeps it: the note names it', () => {
    const managers = proxmoxManagers(100, 'qm', config, new Set());
    const [fix] = persistentFixes([setPort('tap100i0', 'guard', true)], managers);
    expect(fix?.note).toBe(
      'Proxmox VE has no option for it; the guest has the hookscript local:snippets/mine.pl, and can have one only: write one that calls both',
    );
  });

  it('is not warned of our own', () => {
    const own = config.replace('mine.pl', 'isolation-100.sh');
    const [fix] = persistentFixes([setPort('tap100i0', 'guard', true)], proxmoxManagers(100, 'qm', own, new Set()));
    expect(fix?.note).toBe('Proxmox VE has no option for it');
  });
});
