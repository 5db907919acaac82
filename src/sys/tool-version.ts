import { createRequire } from 'node:module';
import { packagePath } from '../system/process/package-path.js';

/** Version of this program, from its package.json. */
export function toolVersion(): string {
  const about: { readonly version: string } = createRequire(import.meta.url)(packagePath('package.json'));
  return about.version;
}
