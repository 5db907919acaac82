import { describe, expect, it } from 'vitest';
import { execute, setBridge, setPort, setEntry } from '../../../../src/core/bridge/changes.js';
import { commandText, fixCommands, fixOnHost, fixText, isExecutable } from '../../../../src/core/fix/fix-text.js';
import type { Change } from '../../../../src/core/model/fabric.js';

const hosts = [
  { name: 'hv2', ssh: 'root@hv2', command: ['verify-isolation'] },
  { name: 'lab1', ssh: null, command: [] },
];
const mac = '52:54:00:00:00:02';

describe('the commands of a fix', () => {
  it('are one for attributes of one port that follow each other, as it is typed with bridge(8)', () =>
    expect(
      fixCommands([
        setEntry(mac, 'vnet0', true),
        setPort('vnet0', 'learning', false),
        setPort('vnet0', 'locked', true),
        setPort('vnet1', 'multicast_router', 0),
        setBridge('br0', 'ageing_time', 30_000),
        setPort('vnet1', 'flood', false),
      ]).map(commandText),
    ).toEqual([
      `bridge fdb replace ${mac} dev vnet0 master static sticky`,
      'bridge link set dev vnet0 learning off locked on',
      'bridge link set dev vnet1 mcast_router 0',
      'ip link set dev br0 type bridge ageing_time 30000',
      'bridge link set dev vnet1 flood off',
    ]));

  it('are pasted with what a shell would read in quotes', () =>
    expect(
      fixText({
        changes: [execute('nft', 'add chain b g { a; }'), execute('tc', 'filter', 'del', 'dev', `it's;id`)],
      }),
    ).toBe(`nft 'add chain b g { a; }' && tc filter del dev 'it'\\''s;id'`));

  it('stand between the words that belong to them, and are then no commands alone', () => {
    const fix = {
      where: 'where VLANs are meant',
      changes: [setBridge('br0', 'vlan_filtering', true)],
      also: ', or not',
    };
    expect(fixText(fix)).toBe('where VLANs are meant: ip link set dev br0 type bridge vlan_filtering 1, or not');
    expect(isExecutable(fix)).toBe(false);
    expect(isExecutable({ changes: fix.changes })).toBe(true);
    expect(isExecutable({ changes: [] })).toBe(false);
  });

  it('are none where there is no fix', () => expect(fixText(null)).toBe(''));
});

describe('a fix for another host', () => {
  it.each<readonly [string, string, readonly Change[], string]>([
    ['here', 'br0', [setPort('vnet4', 'flood', false)], 'bridge link set dev vnet4 flood off'],
    [
      'there',
      'hv2/br0',
      [setPort('hv2/vnet4', 'flood', false), setBridge('hv2/br0', 'ageing_time', 30_000)],
      "ssh root@hv2 'bridge link set dev vnet4 flood off && ip link set dev br0 type bridge ageing_time 30000'",
    ],
    [
      'with a name that a shell would read',
      'hv2/br0',
      [execute('ip', 'link', 'set', 'dev', 'hv2/$(id)', 'nomaster')],
      "ssh root@hv2 'ip link set dev '\\''$(id)'\\'' nomaster'",
    ],
    [
      'in the lab',
      'lab1/br0',
      [execute('ip', 'link', 'set', 'dev', 'lab1/p0', 'nomaster')],
      'ip link set dev p0 nomaster',
    ],
    ['where there is none', 'hv2/br0', [], ''],
  ])('%s is pasted as it stands', (_where, bridge, changes, reported) =>
    expect(fixText(fixOnHost({ changes }, bridge, { hosts }))).toBe(reported),
  );

  it('is one command, however many are carried out there', () => {
    const changes = [setPort('hv2/vnet4', 'flood', false), setPort('hv2/vnet5', 'flood', false)];
    expect(fixCommands(fixOnHost({ changes }, 'hv2/br0', { hosts }).changes)).toHaveLength(1);
  });

  it('whose way there is not known stays there', () => {
    const changes = [execute('ip', 'link', 'set', 'dev', 'hv9/p0', 'nomaster')];
    for (const known of [{}, { hosts }])
      expect(fixText(fixOnHost({ changes }, 'hv9/br0', known))).toBe('ip link set dev p0 nomaster');
  });
});
