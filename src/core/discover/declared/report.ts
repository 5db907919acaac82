import type { ConfigurationManager } from '../../model/fix.js';
import type { Declared } from '../../model/host-config.js';

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

/** A configuration's settings, and the devices that it makes. */
export interface ConfigReport {
  readonly declared: readonly Declared[];
  readonly keepers: readonly ConfigurationManager[];
}
