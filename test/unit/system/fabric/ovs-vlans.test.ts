import { expect, it } from 'vitest';
import type { Change } from '../../../../src/core/model/fabric.js';
import { checkOvsVlan, type OvsVlanColumns, refuseOpening } from '../../../../src/system/fabric/ovs-vlans.js';

const columns = (tag: string, trunks: string, mode = '[]'): OvsVlanColumns => ({ tag, trunks, mode });
const change = (
  act: 'add' | 'del',
  vids: readonly [number, number],
  flags: { readonly pvid?: true; readonly untagged?: true } = {},
): Extract<Change, { kind: 'vlan' }> => ({
  kind: 'vlan',
  act,
  entry: { port: 'p', first: vids[0], last: vids[1], pvid: flags.pvid ?? false, untagged: flags.untagged ?? false },
  self: false,
  ovs: true,
});
const access = { pvid: true, untagged: true } as const;

it.each<[string, Extract<Change, { kind: 'vlan' }>, OvsVlanColumns, boolean]>([
  ['a tag, of an access port', change('add', [10, 10], access), columns('10', '[]'), true],
  ['a tag, of an access port by name', change('add', [10, 10], access), columns('10', '[20]', 'access'), true],
  ['a tag that leaves tagged', change('add', [10, 10], { pvid: true }), columns('10', '[20]', 'native-tagged'), true],
  [
    'a tag that should leave tagged, on an access port',
    change('add', [10, 10], { pvid: true }),
    columns('10', '[]'),
    false,
  ],
  ['another tag', change('add', [10, 10], access), columns('11', '[]'), false],
  ['a tag that a trunk does not obey', change('add', [10, 10], access), columns('10', '[20]', 'trunk'), false],
  ['trunks', change('add', [20, 22]), columns('[]', '[20, 21, 22]'), true],
  ['trunks of which one is missing', change('add', [20, 22]), columns('[]', '[20, 22]'), false],
  ['trunks beside a native VLAN', change('add', [20, 20]), columns('10', '20', 'native-untagged'), true],
  ['trunks that an access port does not obey', change('add', [20, 20]), columns('10', '20'), false],
  [
    'trunks of a tunnel, whose own VLAN is its only one',
    change('add', [20, 20]),
    columns('10', '20', 'dot1q-tunnel'),
    false,
  ],
  ['a VLAN that went', change('del', [20, 20]), columns('[]', '[21]'), true],
  ['a VLAN that stayed', change('del', [20, 21]), columns('[]', '[21]'), false],
  ['a tag that stayed', change('del', [10, 10]), columns('10', '[]'), false],
  ['a VLAN of a port that carries all', change('del', [10, 10]), columns('[]', '[]'), false],
])('VLANs of Open vSwitch are read back: %s', (_, asked, found, isSo) => {
  if (isSo) expect(checkOvsVlan(asked, found)).toMatch(/^VLAN \S+ on p: (?:present|absent)/);
  else expect(() => checkOvsVlan(asked, found)).toThrow('should be');
});

it.each<[string, OvsVlanColumns, boolean]>([
  ['the tag of an access port', columns('10', '[]'), true],
  ['all trunks', columns('[]', '[10, 11]'), true],
  ['some trunks', columns('[]', '[10, 12]'), false],
  ['what a port that carries all has besides', columns('[]', '[]'), true],
  ['the tag of a port with other trunks', columns('10', '[30]', 'native-untagged'), false],
  ['the trunks of a port whose tag stays', columns('5', '[10]', 'native-untagged'), true],
  ['nothing of an access port with another tag', columns('5', '[]'), false],
])('a VLAN is not taken from a port that would then carry every one: %s', (_, now, isRefused) => {
  const taking = (): void => refuseOpening(change('del', [10, 11]), now);
  if (isRefused) expect(taking).toThrow('p would carry every VLAN');
  else expect(taking).not.toThrow();
  expect(() => refuseOpening(change('add', [10, 11]), now)).not.toThrow();
});
