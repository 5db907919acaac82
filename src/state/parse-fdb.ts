import type { FdbState } from '../model/state.js';
import { numberOf, objectsOf, textOf, textsOf } from '../core/text/json-fields.js';

/** The entries of `bridge -j -s fdb`; the kernel prints no state for a learned one, which is told as `dynamic`. */
export function parseFdb(json: unknown): readonly FdbState[] {
  return objectsOf(json).flatMap((entry) => {
    const mac = textOf(entry.mac);
    const port = textOf(entry.ifname);
    if (mac === null || port === null) return [];
    const state = textOf(entry.state);
    return [
      {
        mac,
        port,
        master: textOf(entry.master),
        vlan: numberOf(entry.vlan),
        state: state === null || state === '' ? 'dynamic' : state,
        flags: textsOf(entry.flags),
        usedS: numberOf(entry.used),
        updatedS: numberOf(entry.updated),
      },
    ];
  });
}
