import type { Keeper, PersistentFix } from '../model/persistent-fix.js';
import type { Cause, GroupCause, StepResult } from '../model/result.js';
import { deviceOf } from './command-of.js';
import { hostWideForm } from './managers/host-wide.js';
import { interfacesForm } from './managers/interfaces.js';
import { libvirtForm } from './managers/libvirt.js';
import { netplanForm } from './managers/netplan.js';
import { networkManagerForm } from './managers/network-manager.js';
import { proxmoxForm } from './managers/proxmox.js';
import { type Wanted, wantedOfFix } from './wanted.js';

/**
 * A step's result whose causes say how their fixes come to stay, where it is known who makes the devices; `undefined`:
 * nobody looked. Rests on nothing but the fixes' words.
 */
export function withPersistentFixes(result: StepResult, keepers: readonly Keeper[] | undefined): StepResult {
  if (keepers === undefined) return result;
  const known = new Map<string, readonly PersistentFix[]>();
  const lastingOf = (fix: string): readonly PersistentFix[] => {
    const lasting = known.get(fix) ?? persistentFixes(fix, keepers);
    known.set(fix, lasting);
    return lasting;
  };
  const told = (cause: Cause): Cause => {
    const lasting = lastingOf(cause.fix);
    return lasting.length === 0 ? cause : { ...cause, lasting };
  };
  const toldOfGroup = (cause: GroupCause): GroupCause => {
    const lasting = lastingOf(cause.fixes.join(' && '));
    return lasting.length === 0 ? cause : { ...cause, lasting };
  };
  return {
    ...result,
    findings: result.findings.map((finding) =>
      finding.causes.length === 0 ? finding : { ...finding, causes: finding.causes.map(told) },
    ),
    ...(result.groups === undefined
      ? {}
      : { groups: result.groups.map((group) => ({ ...group, causes: group.causes.map(toldOfGroup) })) }),
  };
}

function formOf(keeper: Keeper, wanted: readonly Wanted[]): readonly PersistentFix[] {
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
export function persistentFixes(fix: string, keepers: readonly Keeper[]): readonly PersistentFix[] {
  const wanted = wantedOfFix(fix);
  const devices = [...new Set(wanted.map(deviceOf).filter((device) => device !== null))];
  return [
    ...devices.flatMap((device) => {
      const keeper = keepers.find((keeper) => keeper.device === device);
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
