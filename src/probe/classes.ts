import type { ProbeClassName } from '../model/scenario.js';
import { broadcast } from './broadcast.js';
import { knownUnicast } from './known-unicast.js';
import type { ProbeClass } from './probe-class.js';
import { unknownUnicast } from './unknown-unicast.js';

/** Every probe class this build can send, by name. A new one is one file and one line here. */
export const classes: Partial<Record<ProbeClassName, ProbeClass>> = {
  'known-unicast': knownUnicast,
  'unknown-unicast': unknownUnicast,
  broadcast,
};
