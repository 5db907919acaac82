import { describe, expect, it } from 'vitest';
import { networkManagerManagers } from '../../../../../src/core/discover/managers/network-manager.js';
import { file, managers, profile, profiles } from '../../../../support/managers/network-manager.js';

describe('the profiles of NetworkManager', () => {
  it('are those of bridges and their ports, but not what netplan writes', () => {
    expect(managers).toMatchObject([
      { device: 'br7', profile: "br7's", file: file('br7') },
      { device: 'eno1', uuid: '79bf8335-dff8-499d-8df5-7a520379b802' },
    ]);
    expect(
      networkManagerManagers([
        { path: '/run/NetworkManager/system-connections/netplan-br7.nmconnection', text: profiles.br7 },
        { path: file('wlan0'), text: profile('wlan0', ['type=wifi', 'slave-type=bond']) },
        { path: file('any'), text: '[connection]\ntype=bridge\n[other]\ninterface-name=br9' },
      ]),
    ).toEqual([]);
    expect(
      networkManagerManagers([
        { path: 'f', text: '[connection]\nid=a\\sb\ntype = ethernet\ninterface-name = eth0\nslave-type=bridge\n' },
      ]),
    ).toEqual([{ by: 'NetworkManager', device: 'eth0', file: 'f', profile: 'a b', uuid: null }]);
  });
});
