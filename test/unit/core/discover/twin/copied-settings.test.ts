import { describe, expect, it } from 'vitest';
import { bridgeSettings, portSettings } from '../../../../../src/core/bridge/attributes.js';
import { copiedBridgeSettings, copiedPortSettings } from '../../../../../src/core/discover/twin/copied-settings.js';
import type { LinkState } from '../../../../../src/core/model/state.js';
import { defaultsOf, plain, link } from '../../../../support/discover/twin-fixture.js';

describe('settings that are copied', () => {
  const bridge = (settings: LinkState['bridge']): ReturnType<typeof copiedBridgeSettings> =>
    copiedBridgeSettings({ ...link(plain, 'br0'), bridge: settings });
  it('are none where all are as the kernel sets them', () => {
    expect(bridge({ ...defaultsOf(bridgeSettings) })).toEqual({ settings: {}, missing: [] });
    expect(bridge(null)).toEqual({ settings: {}, missing: [] });
    expect(copiedPortSettings({ ...link(plain, 'p0'), port: { ...defaultsOf(portSettings) } }, new Set())).toEqual({
      settings: {},
      missing: [],
    });
    expect(copiedPortSettings({ ...link(plain, 'p0'), port: null, mtu: 9000 }, new Set())).toEqual({
      settings: { mtu: 9000 },
      missing: [],
    });
  });
  it('leave a tick of a timer and what decides only when a port forwards alone', () => {
    expect(
      bridge({ mcast_startup_query_intvl: 3124, ageing_time: 30_001, forward_delay: 4, hello_time: 1, max_age: 1 })
        .settings,
    ).toEqual({});
    expect(bridge({ mcast_startup_query_intvl: 3123, ageing_time: 29_998 }).settings).toEqual({
      mcast_startup_query_intvl: '31230ms',
      ageing_time: '299980ms',
    });
  });
  it('are masks in hexadecimal, and named where they are none', () => {
    expect(bridge({ group_fwd_mask: '0x0' }).settings).toEqual({});
    expect(bridge({ group_addr: '01:80:c2:00:00:0x0' }).settings).toEqual({ group_addr: '01:80:c2:00:00:0x0' });
    expect(bridge({ group_fwd_mask: 16_384 }).settings).toEqual({ group_fwd_mask: '0x4000' });
    expect(bridge({ group_fwd_mask: 'zz' })).toEqual({ settings: {}, missing: ['br0.group_fwd_mask zz'] });
  });
  it('are switches in words, either way', () => {
    expect(bridge({ mcast_snooping: 0, mcast_querier: 1 }).settings).toEqual({
      mcast_snooping: 'off',
      mcast_querier: 'on',
    });
    expect(bridge({ mcast_snooping: true, mcast_querier: false }).settings).toEqual({});
  });
});
