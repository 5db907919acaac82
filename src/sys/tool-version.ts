import { createRequire } from 'node:module';

/** Version of this program, from its package.json. */
export function toolVersion(): string {
  const about: { readonly version: string } = createRequire(import.meta.url)('../../package.json');
  return about.version;
}
