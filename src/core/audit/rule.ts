import type { BridgeView } from '../bridge/view.js';
import type { AuditFinding } from '../model/audit.js';
import type { Fix } from '../model/fabric.js';
import type { Reading } from '../model/state.js';

/** A finding before it has its name and its bridge. */
export interface RuleFinding extends Omit<AuditFinding, 'id' | 'bridge' | 'fix' | 'lasting'> {
  /** null where nothing needs to be done. */
  readonly fix: Fix | null;
}

/** What one rule sees wrong with one bridge. Pure; reads nothing but what it is given. */
export type BridgeRule = (view: BridgeView, reading: Reading) => readonly RuleFinding[];

/** What one rule sees wrong with the host, whatever its bridges. */
export type HostRule = (reading: Reading) => readonly RuleFinding[];
