import { createRequire } from 'node:module';
import { VerifyError } from '../../../core/model/verify-error.js';

/** The used part of the package `cap`. */
export interface CapObject {
  /** Keeps `buffer`'s address without a reference. */
  open(device: string, filter: string, bufferSize: number, buffer: Buffer): string;
  close(): boolean;
  on(event: 'packet', listener: (bytes: number, truncated: boolean) => void): void;
}

export interface CapModule {
  readonly Cap: new () => CapObject;
  readonly version: string;
}

let loaded: CapModule | undefined;

/** The optional package `cap`. Throws VerifyError (69) if it is not installed or built. */
export function capModule(): CapModule {
  if (loaded !== undefined) return loaded;
  const require = createRequire(import.meta.url);
  try {
    const module: { readonly Cap: new () => CapObject } = require('cap');
    const about: { readonly version: string } = require('cap/package.json');
    loaded = { Cap: module.Cap, version: about.version };
    return loaded;
  } catch (error) {
    throw new VerifyError(
      'cap-missing',
      69,
      `the package cap does not load: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`,
      'it is optional and needs a compiler and libpcap-dev; or use --engine libpcap',
    );
  }
}
