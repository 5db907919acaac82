import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

const root = packageFolder();

/** A path in this package. Without argument, its folder. */
export function packagePath(path = ''): string {
  return join(root, path);
}

/** From package.json. */
export function toolVersion(): string {
  const about: { readonly version: string } = createRequire(import.meta.url)(packagePath('package.json'));
  return about.version;
}

/** PATH without entries that mean the current folder, perhaps another user's (execvp(3)). */
export function absoluteFolders(path: string | undefined): string {
  const folders = (path ?? '').split(':').filter((folder) => folder.startsWith('/'));
  return folders.length === 0 ? '/usr/bin:/bin' : folders.join(':');
}
