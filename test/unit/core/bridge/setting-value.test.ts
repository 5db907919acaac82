import { expect, it } from 'vitest';
import { settingsOfPlace } from '../../../../src/core/bridge/attributes.js';
import { isOff, isOn, isSameSetting, settingIn } from '../../../../src/core/bridge/setting-value.js';

const link = {
  mtu: 1500,
  flags: ['BROADCAST', 'UP'],
  txqlen: { nested: 1 },
  linkinfo: { info_data: { ageing_time: 30000 }, info_slave_data: { flood: true, backup_port: 'x' } },
};

it('a setting is read where its place has it', () => {
  expect(settingIn([link], 'link', 'mtu')).toBe(1500);
  expect(settingIn([link], 'link', 'up')).toBe(true);
  expect(settingIn([{ ...link, flags: ['BROADCAST'] }], 'link', 'up')).toBe(false);
  expect(settingIn([link], 'bridge', 'ageing_time')).toBe(30000);
  expect(settingIn([link], 'port', 'flood')).toBe(true);
  expect(settingIn([link], 'port', 'backup_port')).toBe('x');
});

it('what the kernel does not tell is undefined', () => {
  expect(settingIn([], 'link', 'mtu')).toBeUndefined();
  expect(settingIn(null, 'link', 'up')).toBeUndefined();
  expect(settingIn([{ mtu: 1 }], 'link', 'up')).toBeUndefined();
  expect(settingIn([{ mtu: 1 }], 'port', 'flood')).toBeUndefined();
  expect(settingIn([{ linkinfo: {} }], 'bridge', 'ageing_time')).toBeUndefined();
  expect(settingIn([link], 'port', 'ageing_time')).toBeUndefined();
  expect(settingIn([link], 'port', 'up')).toBeUndefined();
  expect(settingIn([link], 'link', 'txqlen')).toBeUndefined();
});

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
  expect(isSameSetting('port', 'flood', 0, 'false')).toBe(true);
  expect(isSameSetting('bridge', 'group_fwd_mask', 16, '10')).toBe(true);
  expect(isSameSetting('bridge', 'group_fwd_mask', '0x10', '10')).toBe(true);
  expect(isSameSetting('bridge', 'group_fwd_mask', 10, '10')).toBe(false);
  expect(isSameSetting('link', 'mtu', '1500', 1500)).toBe(true);
  expect(isSameSetting('bridge', 'ageing_time', '0300', 300)).toBe(true);
  expect(isSameSetting('bridge', 'group_addr', '01:80:C2:00:00:00', '01:80:c2:00:00:00')).toBe(true);
  expect(isSameSetting('port', 'nobody-knows', '01', '1')).toBe(false);
});

it('each place has settings of its own', () => {
  expect((['bridge', 'port', 'link'] as const).map((place) => settingsOfPlace(place)[0]?.key)).toEqual([
    'ageing_time',
    'flood',
    'mtu',
  ]);
});
