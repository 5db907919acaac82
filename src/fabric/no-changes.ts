import { VerifyError } from '../core/model/verify-error.js';
import type { Fabric } from '../model/fabric.js';

async function unsupported(what: string): Promise<never> {
  throw new VerifyError('unsupported', 69, `${what} is not supported where a scenario has hosts`, 'leave it out');
}

/**
 * What a fabric over several hosts says to a change: core/scenario/unsupported.ts refuses such scenarios before anything
 * runs.
 */
export const noChanges: Pick<Fabric, 'apply' | 'happen'> = {
  apply: async (change) => unsupported(`a change (${change.kind})`),
  happen: async () => unsupported('during'),
};
