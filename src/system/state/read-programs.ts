import type { AttachedProgram } from '../../core/model/state.js';
import { programPlaces, programsAt } from '../kernel/ask/bpf-programs.js';
import { inNamespace } from '../kernel/namespaces.js';

/** Programs that are attached to devices of a namespace where no command shows them; null = nobody may ask. */
export function readPrograms(
  netns: string | null,
  links: readonly { readonly name: string; readonly ifindex: number; readonly kind: string | null }[],
): readonly AttachedProgram[] | null {
  const programs: AttachedProgram[] = [];
  const denied = inNamespace(netns, () => {
    for (const { name, ifindex, kind } of links)
      for (const place of programPlaces) {
        if (place.startsWith('netkit') && kind !== 'netkit') continue;
        const ids = programsAt(ifindex, place);
        if (ids === 'denied') return true;
        for (const id of ids) programs.push({ device: name, place, id });
      }
    return false;
  });
  return denied ? null : programs;
}
