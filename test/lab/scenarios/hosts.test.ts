import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../src/core/model/result.js';
import { disturbed } from '../../support/lab/disturbed.js';
import { writeScenario } from '../../support/lab/program.js';
import { kernel } from '../../support/lab/features.js';
import { needs, root } from '../../support/needs.js';
import { scratchFolder } from '../../support/scratch.js';

const top = resolve(import.meta.dirname, '../../..');
const scratch = scratchFolder('hosts-scenarios');

/** Who hears what, step by step: the rows with a leak. */
const leaks: Readonly<Record<string, readonly (readonly string[])[]>> = {
  'tenants-apart': [[], [], []],
  'vni-mix-up': [['a1 b2'], ['b2 a1', 'b2 a3']],
  'foreign-flood-list': [['a1 c3'], [], []],
  'remote-mac-spoof': [[], ['a1 thief']],
};

/** What explains the leaks first. */
const firstCauses: Readonly<Record<string, readonly string[]>> = {
  'vni-mix-up': ['vni-shared'],
  'foreign-flood-list': ['vni-shared'],
  'remote-mac-spoof': ['mac-moved'],
};

it('every scenario of several hosts is told here', () => {
  expect(
    readdirSync(join(top, 'scenarios/hosts'))
      .map((name) => name.slice(0, -4))
      .sort(),
  ).toEqual(Object.keys(leaks).sort());
});

describe('scenarios of several hosts', needs(root, kernel('VXLAN')), () => {
  it.concurrent.each(Object.entries(leaks))('%s comes out as it says, with every proof', (name, expected) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        join(top, 'dist/cli.cjs'),
        'run',
        join(top, `scenarios/hosts/${name}.yml`),
        '--json',
        '--quiet',
        '--out',
        join(scratch, name),
      ],
      { encoding: 'utf8', maxBuffer: 1 << 26 },
    );
    expect({ status, stderr }, stdout.slice(0, 4000)).toEqual({ status: 0, stderr: '' });
    const result: Result = JSON.parse(stdout);
    expect(result.steps.filter(({ verdict }) => verdict === 'holds').flatMap(({ reasons }) => reasons)).toEqual([]);
    expect(result.steps.map(({ verdict }) => verdict)).toEqual(
      expected.map((rows) => (rows.length === 0 ? 'holds' : 'broken')),
    );
    expect(
      result.steps.map(({ findings }) =>
        [...new Set(findings.filter(({ leak }) => leak).map(({ from, observer }) => `${from} ${observer}`))].sort(),
      ),
    ).toEqual(expected);
    const causes = new Set(
      result.steps.flatMap(({ findings }) =>
        findings.filter(({ leak }) => leak).map(({ causes: [first] }) => first?.code),
      ),
    );
    expect([...causes]).toEqual(firstCauses[name] ?? []);
    expect(result.coverage).toMatchObject({ complete: true, unobserved: [] });
  });

  it.concurrent('in which a setting of one is changed and put back: inconclusive, and the port is named, not another host’s of the same number', async () => {
    const endpoints = [
      'a: { bridge: br0, host: hv1, port: vnet0 }',
      'b: { bridge: br0, host: hv1, port: vnet1 }',
      'c: { bridge: br0, host: hv2, port: vnet0 }',
      'd: { bridge: br0, host: hv2, port: there }',
    ];
    const file = writeScenario(
      [
        'version: 1',
        'name: t',
        'topology:',
        '  provider: lab',
        '  hosts: { hv1: {}, hv2: {} }',
        '  bridges: { br0: {} }',
        '  endpoints:',
        ...endpoints.map((endpoint) => `    ${endpoint}`),
        'steps:',
        '  - { name: s, probe: [ { class: known-unicast, from: a, to: b, count: 200, rate: 200 } ], expect: private }',
        '',
      ].join('\n'),
    );
    const { status, result } = await disturbed({
      file,
      when: '"event":"probing"',
      act: ({ insideWith }) => {
        for (const flood of ['off', 'on'])
          insideWith('there', `ip link set dev there type bridge_slave flood ${flood}`);
        for (const value of ['1', '0']) insideWith('there', `sysctl -w net.ipv4.ip_forward=${value}`);
      },
    });
    expect([status, result.steps[0]?.reasons]).toEqual([
      3,
      [
        expect.objectContaining({
          code: 'settings-changed',
          observer: 'd',
          text: 'hv2/there: flood changed and was put back',
        }),
        expect.objectContaining({
          code: 'settings-changed',
          observer: null,
          text: 'hv2/net.ipv4.ip_forward changed and was put back',
        }),
      ],
    ]);
  });
});
