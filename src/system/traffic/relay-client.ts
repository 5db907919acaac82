import type { FaultCode } from '../../core/model/reasons.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { startHelper } from '../process/helper-process.js';

const startMs = 10_000;

/** A relay that carries frames. */
export interface RunningRelay {
  readonly pid: number;
  stop(): Promise<void>;
  /** Since the last call. */
  faults(): readonly { readonly code: FaultCode; readonly text: string }[];
}

/**
 * Starts a relay helper in the caller's network namespace; resolves when it carries frames. Rejects with VerifyError
 * (69): `cap-missing`, `interface-down`, `open-failed`.
 */
export async function startRelay(spec: {
  readonly bridge: string;
  readonly device: string;
  readonly macs: readonly string[];
  readonly everything: boolean;
}): Promise<RunningRelay> {
  const helper = await startHelper('relay', { silentMs: null });
  const news: { code: FaultCode; text: string }[] = [];
  let stopping = false;
  let failStart: (error: Error) => void = () => undefined;
  const refused = new Promise<never>((_resolve, reject) => {
    failStart = reject;
  });
  refused.catch(() => undefined); // only the race below awaits it
  helper.subscribe((message) => {
    if (message.type !== 'fault' || stopping) return;
    if (message.code === 'relay-lost') news.push({ code: 'frames-dropped', text: message.message });
    else if (message.code === 'helper-died')
      news.push({ code: 'relay-died', text: `its relay ended: ${message.message}` });
    failStart(
      new VerifyError(
        message.code,
        69,
        message.message,
        'an endpoint with attach: promiscuous needs a relay that works',
      ),
    );
  });
  try {
    const relaying = helper.next('relaying', () => true, startMs);
    relaying.catch(() => undefined);
    await helper.send({ type: 'start', ...spec });
    await Promise.race([relaying, refused]);
  } catch (error) {
    stopping = true;
    await helper.close();
    throw error;
  }
  return {
    pid: helper.pid,
    stop: async () => {
      stopping = true;
      await helper.close();
    },
    faults: () => news.splice(0),
  };
}
