import { z } from 'zod';
import { managers } from '../../core/discover/guests.js';
import type { GuestRecord } from '../../core/model/host-config.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { type ConfinedProcess, failureKeys, startConfined } from '../process/confined-process.js';
import type { ParsedGuests, PrintedGuests } from './parse-guests.js';

const answer = z.union([
  z.strictObject({
    guests: z.array(
      z.strictObject({
        manager: z.enum(managers),
        name: z.string(),
        id: z.string().optional(),
        port: z.string().nullable(),
        netns: z.string().optional(),
        mac: z
          .string()
          .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
          .nullable(),
        ips: z.array(z.string()),
        isArriving: z.boolean().optional(),
        isApart: z.literal(true).optional(),
        zone: z.strictObject({ name: z.string(), from: z.string() }).nullable(),
      }),
    ),
  }),
  z.strictObject({ error: z.strictObject(failureKeys) }),
]);

function isAnswer(value: unknown): value is ParsedGuests {
  return answer.safeParse(value, { jitless: true }).success;
}

/** Parses managers' texts in a process without rights: which guests each reports. */
export interface GuestParser {
  /** Rejects with VerifyError where the text is none of that manager's. */
  ask(printed: PrintedGuests): Promise<readonly GuestRecord[]>;
  end(): void;
}

/**
 * What tenants wrote is parsed by a process that can do nothing, started with the first text; another takes the place
 * of one that it has ended.
 */
export function guestParser(): GuestParser {
  let confined: ConfinedProcess | null = null;
  return {
    async ask(printed) {
      const asked = (confined ??= startConfined('parse', null));
      const answered = await asked.ask(printed).catch((error: unknown) => {
        if (confined === asked) confined = null;
        throw error;
      });
      if (!isAnswer(answered))
        throw new VerifyError(
          'command-failed',
          3,
          `what ${printed.command} printed makes something that describes no guests`,
          'see what it prints',
        );
      if ('guests' in answered) return answered.guests;
      const { code, exit, message, hint } = answered.error;
      throw new VerifyError(code, exit, message, hint);
    },
    end: () => confined?.end(),
  };
}
