import { describe, expect, it } from 'vitest';
import { fixOnHost } from '../../../../src/core/fix/text.js';

const hosts = [
  { name: 'hv2', ssh: 'root@hv2', command: ['verify-isolation'] },
  { name: 'lab1', ssh: null, command: [] },
];

describe('a fix for another host', () => {
  it.each([
    [
      'here',
      'br0',
      'ip link set dev vnet4 type bridge_slave flood off',
      'ip link set dev vnet4 type bridge_slave flood off',
    ],
    [
      'there',
      'hv2/br0',
      'ip link set dev hv2/vnet4 type bridge_slave flood off && bridge fdb flush dev hv2/br0',
      "ssh root@hv2 'ip link set dev vnet4 type bridge_slave flood off && bridge fdb flush dev br0'",
    ],
    [
      'with a name that a shell would read',
      'hv2/br0',
      "ip link set dev 'hv2/$(id)' nomaster",
      "ssh root@hv2 'ip link set dev '\\''$(id)'\\'' nomaster'",
    ],
    ['in the lab', 'lab1/br0', 'ip link set dev lab1/p0 nomaster', 'ip link set dev p0 nomaster'],
    ['where there is none', 'hv2/br0', '', ''],
  ])('%s is pasted as it stands', (_where, bridge, fix, reported) =>
    expect(fixOnHost(fix, bridge, { hosts })).toBe(reported),
  );

  it('whose way there is not known stays there', () => {
    for (const known of [{}, { hosts }])
      expect(fixOnHost('ip link set dev hv9/p0 nomaster', 'hv9/br0', known)).toBe('ip link set dev p0 nomaster');
  });
});
