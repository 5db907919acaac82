import type { Place } from '../model/fabric.js';
import type { Sender } from './sender.js';
import { namespacesOf, startSendingHelper } from './sending-helper.js';

/**
 * Starts the helper, which can send at each place, by name; it ends with `stop`. Throws VerifyError where a socket
 * cannot be opened, an interface is not there, or the helper does not start.
 */
export async function startSender(places: Readonly<Record<string, Place>>): Promise<Sender> {
  const helper = await startSendingHelper(namespacesOf(places));
  try {
    const sender = helper.at(places);
    return {
      ...sender,
      async stop() {
        await sender.stop();
        await helper.end();
      },
    };
  } catch (error) {
    await helper.end();
    throw error;
  }
}
