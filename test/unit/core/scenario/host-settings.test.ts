import { describe, expect, it } from 'vitest';
import { checkRunnable } from '../../../../src/cli/commands/run/check-runnable.js';
import { loadScenario, parseScenario } from '../../../../src/core/scenario/load-scenario.js';
import { unsupportedKeys } from '../../../../src/core/scenario/unsupported.js';

const text = (bridge: string, endpoint: string, head = '', hosts = ''): Uint8Array =>
  Buffer.from(`version: 1
name: t
${head}topology:
  provider: host
${hosts}  bridges: { br0: ${bridge} }
  endpoints:
    a: { bridge: br0, port: vnet0, mac: "52:54:00:00:00:01"${endpoint} }
    b: { bridge: br0, port: vnet1, mac: "52:54:00:00:00:02" }
    c: { bridge: br0, port: vnet2, mac: "52:54:00:00:00:03" }
steps: [ { name: s, probe: { class: known-unicast, from: a, to: b }, expect: private } ]
`);
const faultsOf = (...of: Parameters<typeof text>): readonly string[] =>
  parseScenario('t.yml', text(...of)).faults.map(({ message }) => message);
const runnable = { allowRun: false, keep: 'all' } as const;

describe('settings of a host’s topology', () => {
  it.each([
    ['{ ageing_time: 30s }', ''],
    ['{ kind: ovs, fail_mode: secure }', ''],
    ['{ kind: ovs, mirrors: [ { name: m, select: all, output: vnet2 } ] }', ''],
    ['{}', ', settings: { flood: off }'],
  ])('change it: %s%s takes the leave of file and command line', (bridge, endpoint) => {
    expect(faultsOf(bridge, endpoint)).toEqual([
      expect.stringMatching(/^topology\.\S+ changes the host, expected "allow_changes: true" in the file$/),
    ]);
    const scenario = loadScenario('t.yml', text(bridge, endpoint, 'allow_changes: true\n'));
    expect(() => checkRunnable([scenario], runnable)).toThrow('it changes this host');
    expect(() => checkRunnable([scenario], { ...runnable, allowChanges: true })).not.toThrow();
  });

  it('that are left out change nothing, and what a port of the other kind has is none', () => {
    expect([faultsOf('{}', ''), faultsOf('{ kind: ovs, datapath: system }', '')]).toEqual([[], []]);
    const leave = 'allow_changes: true\n';
    expect(faultsOf('{ kind: ovs }', ', settings: { isolated: on }', leave)).toEqual([
      expect.stringContaining('"isolated" is no setting of a port of Open vSwitch'),
    ]);
    expect(faultsOf('{}', ', settings: { protected: on }', leave)).toEqual([
      expect.stringContaining('"protected" is no setting of a port'),
    ]);
    expect(faultsOf('{ kind: ovs, controller: "tcp:127.0.0.1" }', '', leave)).toEqual([
      expect.stringContaining('"controller" is no setting of a bridge of Open vSwitch that a run can put back'),
    ]);
    expect(
      faultsOf(
        '{ kind: ovs, "other_config:mac-table-size": 10, mtu: 9000, stp_enable: on, flood_vlans: "1,2" }',
        ', settings: { flood: off, up: on }',
        leave,
      ),
    ).toEqual([]);
  });

  it('are named where the run is over several hosts, which changes nothing', () => {
    const several = loadScenario(
      't.yml',
      text(
        '{ ageing_time: 30s }',
        ', settings: { flood: off }',
        'allow_changes: true\n',
        '  hosts: { hv2: { ssh: root@hv2 } }\n',
      ),
    );
    expect(unsupportedKeys(several)).toEqual([
      'settings of br0 where the topology has "hosts"',
      'settings of vnet0 where the topology has "hosts"',
    ]);
  });
});
