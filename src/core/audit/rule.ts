import type { BridgeView } from '../bridge/view.js';
import type { AuditFinding } from '../model/audit.js';
import type { Reading } from '../model/state.js';

export type RuleFinding = Omit<AuditFinding, 'id' | 'bridge'>;

/** What one rule sees wrong with one bridge. Pure; reads nothing but what it is given. */
export type BridgeRule = (view: BridgeView, reading: Reading) => readonly RuleFinding[];

/** What one rule sees wrong with the host, whatever its bridges. */
export type HostRule = (reading: Reading) => readonly RuleFinding[];
