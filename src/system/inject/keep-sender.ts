import { existsSync } from 'node:fs';
import type { Place } from '../../core/model/fabric.js';
import { startHelper } from '../process/helper-process.js';
import { namespacesOf, type SendingHelper, startSendingHelper } from './helper.js';
import type { Sender } from './sender.js';

/** A helper for successive steps' senders: starting one takes longer than most steps send. */
export interface SenderPool {
  /**
   * As `startSender`, but the helper stays for the next sender if faultless and with all needed namespaces. Starts none
   * if nothing is to be sent.
   */
  start(places: Readonly<Record<string, Place>>): Promise<Sender>;
  /** Starts a helper for the first sender. */
  warm(): void;
  /** Ends the helper. */
  end(): Promise<void>;
}

const nowhere: Sender = {
  pid: 0,
  send: async () => ({ accepted: 0, error: 'protocol' }),
  sendRouted: async () => ({ accepted: 0, error: 'protocol' }),
  onFault: () => undefined,
  stop: async () => undefined,
  kill: () => undefined,
};

/** A run's pool, without a helper at first. */
export function keepSender(): SenderPool {
  let helper: SendingHelper | null = null;
  let warm: ReturnType<typeof startHelper<'send'>> | undefined;
  /** Of all senders so far: steps with alternating places then share a helper. */
  let namespaces: ReadonlySet<string | null> = new Set();

  async function end(): Promise<void> {
    const [former, unused] = [helper, takeWarm()];
    helper = null;
    await former?.end();
    await unused?.then(
      (process) => process.close(),
      () => undefined, // it is gone
    );
  }
  function takeWarm(): typeof warm {
    const taken = warm;
    warm = undefined;
    return taken;
  }

  return {
    async start(places) {
      if (Object.keys(places).length === 0) return nowhere;
      if (helper?.serves(places) !== true) {
        const warmed = takeWarm();
        await end();
        const existing = [...namespaces].filter((netns) => netns === null || existsSync(netns));
        namespaces = new Set([...existing, ...namespacesOf(places)]);
        helper = await startSendingHelper(namespaces, warmed);
      }
      return helper.at(places);
    },
    warm() {
      warm = startHelper('send');
      warm.catch(() => undefined); // thrown where it is awaited
    },
    end,
  };
}
