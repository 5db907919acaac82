import { hostWideForm } from '../core/fix/managers/host-wide.js';
import { interfacesForm } from '../core/fix/managers/interfaces.js';
import { libvirtForm } from '../core/fix/managers/libvirt.js';
import { netplanForm } from '../core/fix/managers/netplan.js';
import { networkManagerForm } from '../core/fix/managers/network-manager.js';
import { proxmoxForm } from '../core/fix/managers/proxmox.js';
import type { Keeper, LastingFix } from '../core/model/persistent-fix.js';
import { deviceOf } from './command-of.js';
import { type Wanted, wantedOfFix } from './wanted.js';

function formOf(keeper: Keeper, wanted: readonly Wanted[]): readonly LastingFix[] {
  switch (keeper.by) {
    case 'libvirt':
      return libvirtForm(keeper, wanted);
    case 'Proxmox VE':
      return proxmoxForm(keeper, wanted);
    case 'netplan':
      return netplanForm(keeper, wanted);
    case 'ifupdown2':
    case 'ifupdown':
      return interfacesForm(keeper, wanted);
    case 'NetworkManager':
      return networkManagerForm(keeper, wanted);
  }
}

/**
 * How a fix comes to stay on a host whose bridges and ports these programs make. Empty where the fix wants nothing that
 * could be kept, or nobody who is known keeps the device. A new manager is one file and one line here.
 */
export function lastingFixes(fix: string, keepers: readonly Keeper[]): readonly LastingFix[] {
  const wanted = wantedOfFix(fix);
  const devices = [...new Set(wanted.map(deviceOf).filter((device) => device !== null))];
  return [
    ...devices.flatMap((device) => {
      const keeper = keepers.find((one) => one.device === device);
      return keeper === undefined
        ? []
        : formOf(
            keeper,
            wanted.filter((one) => deviceOf(one) === device),
          );
    }),
    ...hostWideForm(wanted),
  ];
}
