import type { ProbeClassName } from '../../model/scenario.js';
import { classes, disruptiveClasses, probeClasses } from '../../probe/classes.js';

/** What `--class all` may send beyond what disturbs nobody. */
export interface CatalogueAllowance {
  readonly disruptive: boolean;
  /** Source MACs that nobody has may leave by an uplink. */
  readonly newMacs: boolean;
}

/**
 * The classes that `--class all` stands for. Without `aged-unicast`, which takes the ageing time of silence; where a
 * bridge has an uplink also without BPDUs, for the switch beyond it may shut its port.
 */
export function catalogueClasses(
  { disruptive, newMacs }: CatalogueAllowance,
  hasUplink: boolean,
): readonly ProbeClassName[] {
  return probeClasses.filter(
    (name) =>
      name !== 'aged-unicast' &&
      (disruptive || !disruptiveClasses.includes(name)) &&
      (!hasUplink || (name !== 'stp-root' && (newMacs || classes[name].newMacs !== true))),
  );
}
