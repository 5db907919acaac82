import { VerifyError } from '../../core/model/verify-error.js';
import { engineNamed, engines } from './engines.js';

/** The engine to capture with, and in words which and why. */
export interface EngineChoice {
  readonly name: 'libpcap' | 'cap';
  readonly version: string;
}

/**
 * `auto` takes libpcap where it loads, else cap; a named engine has to load. Rejects with VerifyError (69) that says
 * what is missing.
 */
export function chooseEngine(asked: 'auto' | 'libpcap' | 'cap'): EngineChoice {
  const names = asked === 'auto' ? (['libpcap', 'cap'] as const) : [asked];
  const refusals: string[] = [];
  for (const name of names) {
    try {
      return { name, version: engineNamed(name).version() };
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
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
