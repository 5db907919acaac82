import type { EngineFacts } from '../../core/model/timeline.js';
import { assertKnown, VerifyError } from '../../core/model/verify-error.js';
import type { Engine } from './engine.js';
import { capEngine } from './engines/cap.js';
import { libpcapEngine } from './engines/libpcap.js';
import { ringEngine } from './engines/ring.js';

/** The engine, and why. */
export interface EngineChoice {
  readonly name: 'libpcap' | 'cap';
  readonly version: string;
}

/** The engine by name. `auto`: libpcap if it loads, else cap. Rejects with VerifyError (69). */
export function chooseEngine(requested: 'auto' | 'libpcap' | 'cap'): EngineChoice {
  const names = requested === 'auto' ? (['libpcap', 'cap'] as const) : [requested];
  const refusals: string[] = [];
  for (const name of names) {
    try {
      return { name, version: engineNamed(name).version() };
    } catch (error) {
      assertKnown(error);
      refusals.push(`${error.message} (${error.hint})`);
    }
  }
  throw new VerifyError(
    'no-engine',
    69,
    `frames cannot be captured: ${refusals.join('; ')}`,
    `One of ${Object.keys(engines).join(', ')} is needed: apt-get install libpcap0.8t64`,
  );
}

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
