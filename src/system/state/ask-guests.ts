import { managers } from '../../core/discover/guests.js';
import { type GuestRecord, guestRecordShape } from '../../core/model/host-config.js';
import { either, fits, strict } from '../../core/model/shape/shape.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { errorOf, failureShape } from '../../core/protocol/failure.js';
import { type ConfinedProcess, startConfined } from '../process/confined-process.js';
import type { PrintedGuests } from './parse-guests.js';

const answer = either(strict({ guests: [guestRecordShape] }), strict({ error: failureShape }));

/** Parses managers' texts without rights. */
export interface GuestParser {
  /** Rejects with VerifyError if the text is not that manager's. */
  ask(printed: PrintedGuests): Promise<readonly GuestRecord[]>;
  end(): void;
}

/** Restarts after a text ended it: tenants wrote parts of them. */
export function guestParser(): GuestParser {
  let confined: ConfinedProcess | null = null;
  return {
    async ask(printed) {
      const parser = (confined ??= startConfined('parse', null));
      const answered = await parser.ask(printed).catch((error: unknown) => {
        if (confined === parser) confined = null;
        throw error;
      });
      const isKnown = ({ manager }: GuestRecord): boolean => managers.includes(manager);
      if (!fits(answer, answered) || ('guests' in answered && !answered.guests.every(isKnown)))
        throw new VerifyError(
          'command-failed',
          3,
          `the output of ${printed.command} does not describe guests`,
          'run it and look at its output',
        );
      if ('guests' in answered) return answered.guests;
      throw errorOf(answered.error);
    },
    end: () => confined?.end(),
  };
}
