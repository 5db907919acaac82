import type { ConfigurationManager } from '../../model/fix.js';
import type { Declared } from '../../model/host-config.js';

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

/** What one program's configuration says, and which devices it makes. */
export interface ConfigReport {
  readonly declared: readonly Declared[];
  readonly keepers: readonly ConfigurationManager[];
}
