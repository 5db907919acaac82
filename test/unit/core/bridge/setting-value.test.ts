import { expect, it } from 'vitest';
import { settingsOfPlace } from '../../../../src/core/bridge/attributes.js';
import { isOff, isOn, isSameSetting, settingIn } from '../../../../src/core/bridge/setting-value.js';

const link = {
  mtu: 1500,
  flags: ['BROADCAST', 'UP'],
  txqlen: { nested: 1 },
  linkinfo: { info_data: { ageing_time: 30000 }, info_slave_data: { flood: true, backup_port: 'x' } },
};

it.each([
  [[link], 'link', 'mtu', 1500],
  [[link], 'link', 'up', true],
  [[{ ...link, flags: ['BROADCAST'] }], 'link', 'up', false],
  [[link], 'bridge', 'ageing_time', 30000],
  [[link], 'port', 'flood', true],
  [[link], 'port', 'backup_port', 'x'],
] as const)('a setting is read where its place has it: %j %s %s', (listed, place, key, value) =>
  expect(settingIn(listed, place, key)).toBe(value),
);

it.each([
  [[], 'link', 'mtu'],
  [null, 'link', 'up'],
  [[{ mtu: 1 }], 'link', 'up'],
  [[{ mtu: 1 }], 'port', 'flood'],
  [[{ linkinfo: {} }], 'bridge', 'ageing_time'],
  [[link], 'port', 'ageing_time'],
  [[link], 'port', 'up'],
  [[link], 'link', 'txqlen'],
] as const)('what the kernel does not tell is undefined: %j %s %s', (listed, place, key) =>
  expect(settingIn(listed, place, key)).toBeUndefined(),
);

it('a switch is on, off, or neither, however it is spelt', () => {
  for (const value of [true, 1, '1', 'on', 'true'] as const) expect([isOn(value), isOff(value)]).toEqual([true, false]);
  for (const value of [false, 0, '0', 'off', 'false'] as const)
    expect([isOn(value), isOff(value)]).toEqual([false, true]);
  for (const value of [undefined, 2, '2', '', 'yes'] as const)
    expect([isOn(value), isOff(value)]).toEqual([false, false]);
});

it('two spellings of one value are the same setting', () => {
  for (const value of [true, 1, '1', 'on', 'true'] as const) {
    expect(isSameSetting('port', 'flood', value, true)).toBe(true);
    expect(isSameSetting('port', 'flood', value, 'off')).toBe(false);
  }
});

it.each([
  ['port', 'flood', 0, 'false', true],
  ['bridge', 'group_fwd_mask', 16, '10', true],
  ['bridge', 'group_fwd_mask', '0x10', '10', true],
  ['bridge', 'group_fwd_mask', 10, '10', false],
  ['link', 'mtu', '1500', 1500, true],
  ['bridge', 'ageing_time', '0300', 300, true],
  ['bridge', 'group_addr', '01:80:C2:00:00:00', '01:80:c2:00:00:00', true],
  ['port', 'nobody-knows', '01', '1', false],
] as const)('%s.%s is the same as %s and %s: %s', (place, key, first, second, same) =>
  expect(isSameSetting(place, key, first, second)).toBe(same),
);

it('each place has settings of its own', () => {
  expect((['bridge', 'port', 'link'] as const).map((place) => settingsOfPlace(place)[0]?.key)).toEqual([
    'ageing_time',
    'flood',
    'mtu',
  ]);
});
