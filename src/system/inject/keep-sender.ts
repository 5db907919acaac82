import { existsSync } from 'node:fs';
import type { Place } from '../../core/model/fabric.js';
import { startHelper } from '../process/helper-process.js';
import { namespacesOf, type SendingHelper, startSendingHelper } from './helper.js';
import type { Sender } from './sender.js';

/** Steps share a helper: its start takes longer than most steps send. */
export interface SenderPool {
  /** A faultless helper with all namespaces stays. Starts none without places. */
  start(places: Readonly<Record<string, Place>>): Promise<Sender>;
  warm(): void;
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

/** A run's pool, at first without helper. */
export function keepSender(): SenderPool {
  let helper: SendingHelper | null = null;
  let warm: ReturnType<typeof startHelper<'send'>> | undefined;
  /** Steps with alternating places share a helper. */
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
