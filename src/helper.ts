import type { HelperRole } from './core/protocol/messages.js';
import { beginHelper } from './system/process/seal-helper.js';

/** One process, one role; messages on stdin and stdout (core/protocol/messages.ts). Loads only its own modules. */
const roles: { readonly [R in HelperRole]: () => Promise<void> } = {
  capture: async () => (await import('./system/capture/worker.js')).captureWorker(),
  send: async () => (await import('./system/inject/worker.js')).sendWorker(),
  relay: async () => (await import('./system/traffic/relay.js')).relayWorker(),
};

beginHelper();
const role = process.argv[2];
const start = Object.entries(roles).find(([name]) => name === role)?.[1];
if (start === undefined) {
  process.stderr.write(`helper: unknown role ${JSON.stringify(role ?? '')}; known: ${Object.keys(roles).join(', ')}\n`);
  process.exitCode = 64;
} else {
  void start();
}
