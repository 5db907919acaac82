import type { ConfigurationManager } from '../../../src/core/model/fix.js';

/** netplan as the manager of a device of a kind (`bridges`, `ethernets`). */
export const netplan = (
  device: string,
  kind: string,
  renderer: 'networkd' | 'NetworkManager' = 'networkd',
): ConfigurationManager => ({
  by: 'netplan',
  device,
  kind,
  file: '/etc/netplan/01.yaml',
  renderer,
});
