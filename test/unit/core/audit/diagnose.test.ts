import { describe, expect, it } from 'vitest';
import { diagnose } from '../../../../src/core/audit/diagnose.js';
import type { MachineCheck, MachineSnapshot } from '../../../../src/core/model/machine.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { neededFeatures } from '../../../../src/core/scenario/needed-features.js';
import { doctorText } from '../../../../src/report/terminal/doctor.js';

const whole: MachineSnapshot = {
  kernel: '6.8.0',
  architecture: 'x64',
  node: '20.19.0',
  uid: 1000,
  capabilities: '0000000000000000',
  seccomp: 0,
  noNewPrivs: false,
  limits: {},
  brNetfilter: null,
  programs: { ip: 'iproute2-6.1', bridge: '6.1', tc: '6.1', setpriv: '2.39', unshare: '2.39', nft: '1.0' },
  engines: [
    { name: 'libpcap', version: '1.10.4', why: null },
    { name: 'cap', version: null, why: 'not built' },
  ],
  lab: {
    built: true,
    runsAs: 'user-namespace',
    sysfs: true,
    features: [
      { feature: 'isolated', works: true, said: '' },
      { feature: 'mab', works: false, said: 'the kernel does not know it' },
    ],
  },
};
const check = (machine: Partial<MachineSnapshot>, id: string): MachineCheck | undefined =>
  diagnose({ ...whole, ...machine }, [], '1')
    .groups.flatMap(({ checks }) => checks)
    .find((machineCheck) => machineCheck.id === id);

describe('a machine', () => {
  it('on which everything is there is fit', () =>
    expect(diagnose(whole, [], '1')).toMatchObject({ ok: true, exitCode: 0 }));

  it('whose AppArmor keeps user namespaces from ordinary programs is told three ways out', () => {
    const name = 'kernel.apparmor_restrict_unprivileged_userns';
    expect(check({ limits: { [name]: '1' } }, name)).toMatchObject({
      state: 'note',
      mend: expect.stringMatching(/sudo.*sysctl -w kernel\.apparmor_restrict_unprivileged_userns=0.*`userns,`/),
    });
    expect(check({ limits: { [name]: '0' } }, name)).toMatchObject({ state: 'ok', mend: null });
  });

  it.each([
    ['kernel.unprivileged_userns_clone', '=1`'],
    ['user.max_user_namespaces', '=10000`'],
    ['user.max_net_namespaces', '=10000`'],
  ])('that forbids by %s = 0 is told what allows it', (name, fix) => {
    expect(check({ limits: { [name]: '0' } }, name)).toMatchObject({
      state: 'note',
      mend: expect.stringContaining(`${name}${fix}`),
    });
    expect(check({ limits: { [name]: '5' } }, name)).toMatchObject({ state: 'ok' });
  });

  it('without a lab, without any engine, or without a program that is always needed is not fit', () => {
    const refused = { built: false, code: 'lab-failed', why: 'AppArmor refuses', mend: 'run with sudo' } as const;
    for (const less of [
      { lab: refused },
      { engines: [{ name: 'libpcap', version: null, why: 'gone' }] },
      { programs: { ...whole.programs, unshare: null } },
    ]) {
      expect(diagnose({ ...whole, ...less }, [], '1')).toMatchObject({ ok: false, exitCode: 69 });
    }
    expect(check({ lab: refused }, 'lab')).toMatchObject({
      state: 'missing',
      text: 'AppArmor refuses',
      mend: 'run with sudo',
    });
    expect(check({ programs: { unshare: null } }, 'program-unshare')).toMatchObject({
      mend: expect.stringContaining('util-linux'),
    });
    expect(check({ programs: { nft: null } }, 'program-nft')).toMatchObject({
      state: 'note',
      mend: expect.stringContaining('nftables'),
    });
    expect(check({}, 'engine-cap')).toMatchObject({ state: 'note', mend: null });
  });

  it('that may do all is told so, capability by capability', () => {
    expect(check({ capabilities: '000001ffffffffff' }, 'host')?.state).toBe('ok');
    expect(check({ capabilities: '0000000000003000' }, 'host')?.text).toContain(': CAP_SYS_ADMIN is missing');
    expect(check({ seccomp: 2, noNewPrivs: true }, 'user')?.text).toMatch(/no_new_privs, under a seccomp filter/);
  });

  it('lacks what a scenario needs only if that scenario is asked for', () => {
    const needs = (asked: boolean) => diagnose(whole, [{ file: 'mine.yml', features: ['mab'], requested: asked }], '1');
    expect(needs(true)).toMatchObject({ exitCode: 69 });
    expect(needs(false)).toMatchObject({ exitCode: 0 });
    expect(
      needs(false)
        .groups.flatMap(({ checks }) => checks)
        .find(({ id }) => id === 'mab'),
    ).toMatchObject({ state: 'note', neededBy: ['mine.yml'] });
  });

  it('whose iptables see bridged frames is told what a HOLDS may then be', () => {
    expect(
      check(
        { brNetfilter: { 'net.bridge.bridge-nf-call-iptables': '1', 'net.bridge.bridge-nf-filter-vlan-tagged': '1' } },
        'br_netfilter',
      ),
    ).toMatchObject({ state: 'note', text: expect.stringContaining('(net.bridge.bridge-nf-call-iptables)') });
    expect(check({ brNetfilter: { 'net.bridge.bridge-nf-call-iptables': '0' } }, 'br_netfilter')?.state).toBe('ok');
  });

  it('is told of in lines that no terminal acts on', () => {
    const text = doctorText(
      diagnose({ ...whole, engines: [{ name: 'libpcap', version: '1\u001b[31m', why: null }] }, [], '1'),
      80,
    );
    expect(text).toContain(String.raw`1\u{1b}[31m`);
    expect(text).toMatch(/scenarios can be run here; 2 things can be fixed if they are needed\n$/);
    expect(doctorText(diagnose({ ...whole, programs: { ip: null } }, [], '1'), 80)).toMatch(
      /1 missing: fix that first\n$/,
    );
  });
});

describe('what a scenario needs of the kernel', () => {
  const needs = (step: string, topology = '', bridge = '{}'): readonly string[] =>
    [
      ...neededFeatures(
        loadScenario(
          't.yml',
          new TextEncoder().encode(
            `version: 1\nname: t\ntopology:\n  provider: lab\n  bridges: { br0: ${bridge} }\n  endpoints:\n    a: { bridge: br0, port: p0, ip: 10.0.0.1/24 }\n    b: { bridge: br0, port: p1 }\n    c: { bridge: br0, port: p2 }\n${topology}steps:\n  - { name: s, ${step}, probe: [ { class: known-unicast, from: a, to: b } ], expect: private }\n`,
          ),
        ),
      ),
    ].sort();
  it.each([
    ['nothing', 'learn: all', []],
    ['set: isolated', 'set: { p0: { isolated: on } }', ['isolated']],
    ['set: isolated off', 'set: { p0: { isolated: off } }', []],
    ['set: locked', 'set: { p0: { locked: on, mab: on } }', ['locked', 'mab']],
    ['vlan', 'vlan: { add: [ { port: p0, vid: 10 } ] }', ['vlan-filtering']],
    ['mdb', 'mdb: { add: [ { group: 239.1.1.1, port: p0 } ] }', ['igmp-snooping']],
    [
      'a sticky entry',
      'fdb: { add: [ { mac: "52:54:00:00:00:0b", port: p1, state: static, sticky: on } ] }',
      ['sticky-entries'],
    ],
    ['a static entry', 'fdb: { add: [ { mac: "52:54:00:00:00:0b", port: p1, state: static } ] }', []],
    ['rules', 'run: [ nft add table bridge x ]', ['nft-bridge']],
    ['rules of another family', 'run: [ nft add table inet x ]', []],
    [
      'devices',
      'run: [ "ip link add link p0 name v type vlan id 5", "ip link add m link p0 type macvlan" ]',
      ['macvlan', 'vlan-devices'],
    ],
    ['tc', 'run: [ tc qdisc add dev p0 clsact ]', ['tc-redirect']],
    ['sysctls of br_netfilter', 'set: { sysctl: { net.bridge.bridge-nf-call-iptables: 0 } }', ['br-netfilter']],
  ])('%s', (_, step, expected) => expect(needs(step)).toEqual(expected));
  it('by its bridge', () =>
    expect(needs('learn: all', '', '{ vlan_filtering: on, stp_state: on, fdb_max_learned: 8 }')).toEqual([
      'fdb-limit',
      'stp',
      'vlan-filtering',
    ]));
});
