import type { EngineFacts } from '../../core/model/timeline.js';
import { VerifyError } from '../../core/model/verify-error.js';
import type { Engine } from './engine.js';
import { capEngine } from './engines/cap.js';
import { libpcapEngine } from './engines/libpcap.js';
import { ringEngine } from './engines/ring.js';

export const engines: { readonly [N in EngineFacts['engine']]: Engine } = {
  libpcap: libpcapEngine,
  cap: capEngine,
  ring: ringEngine,
};

/** The engine of that name. Throws VerifyError (64) that lists the known ones. */
export function engineNamed(name: string): Engine {
  const engine = Object.values(engines).find((known) => known.name === name);
  if (engine === undefined) {
    throw new VerifyError(
      'unknown-engine',
      64,
      `there is no engine ${JSON.stringify(name)}`,
      `known engines: ${Object.keys(engines).join(', ')}`,
    );
  }
  return engine;
}
