import type { Change } from '../model/fabric.js';
import type { ConfigurationManager, PersistentFix } from '../model/fix.js';
import type { Cause, GroupCause, StepResult } from '../model/result.js';
import { deviceOf } from './command-of.js';
import { hostWideForm } from './managers/host-wide.js';
import { interfacesForm } from './managers/interfaces.js';
import { libvirtForm } from './managers/libvirt.js';
import { netplanForm } from './managers/netplan.js';
import { networkManagerForm } from './managers/network-manager.js';
import { proxmoxForm } from './managers/proxmox.js';
import { type Wanted, wantedOf } from './wanted.js';

/**
 * A step's result whose causes say how their fixes come to stay, where it is known what makes the devices;
 * `undefined`: nobody looked.
 */
export function withPersistentFixes(
  result: StepResult,
  keepers: readonly ConfigurationManager[] | undefined,
): StepResult {
  if (keepers === undefined) return result;
  const known = new Map<string, readonly PersistentFix[]>();
  const formsOf = (text: string, changes: readonly Change[] = []): readonly PersistentFix[] => {
    const persistent = known.get(text) ?? persistentFixes(changes, keepers);
    known.set(text, persistent);
    return persistent;
  };
  const withForms = (cause: Cause): Cause => {
    const persistent = formsOf(cause.fix, cause.changes);
    return persistent.length === 0 ? cause : { ...cause, lasting: persistent };
  };
  const reportOfGroup = (cause: GroupCause): GroupCause => {
    const persistent = formsOf(cause.fixes.join(' && '), cause.changes);
    return persistent.length === 0 ? cause : { ...cause, lasting: persistent };
  };
  return {
    ...result,
    findings: result.findings.map((finding) =>
      finding.causes.length === 0 ? finding : { ...finding, causes: finding.causes.map(withForms) },
    ),
    ...(result.groups === undefined
      ? {}
      : { groups: result.groups.map((group) => ({ ...group, causes: group.causes.map(reportOfGroup) })) }),
  };
}

function formOf(manager: ConfigurationManager, wanted: readonly Wanted[]): readonly PersistentFix[] {
  switch (manager.by) {
    case 'libvirt':
      return libvirtForm(manager, wanted);
    case 'Proxmox VE':
      return proxmoxForm(manager, wanted);
    case 'netplan':
      return netplanForm(manager, wanted);
    case 'ifupdown2':
    case 'ifupdown':
      return interfacesForm(manager, wanted);
    case 'NetworkManager':
      return networkManagerForm(manager, wanted);
  }
}

/**
 * How a fix comes to stay on a host whose bridges and ports these programs make. Empty where the fix wants nothing that
 * could be kept, or nobody who is known keeps the device. A new manager is one file and one line here.
 */
export function persistentFixes(
  changes: readonly Change[],
  keepers: readonly ConfigurationManager[],
): readonly PersistentFix[] {
  const wanted = wantedOf(changes);
  const devices = [...new Set(wanted.map(deviceOf).filter((device) => device !== null))];
  return [
    ...devices.flatMap((device) => {
      const manager = keepers.find((manager) => manager.device === device);
      return manager === undefined
        ? []
        : formOf(
            manager,
            wanted.filter((wish) => deviceOf(wish) === device),
          );
    }),
    ...hostWideForm(wanted),
  ];
}
