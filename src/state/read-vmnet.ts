import { readdirSync, statSync } from 'node:fs';
import type { VmnetDevice } from '../model/reading.js';

/** VMware's network devices with who may open them. */
export function readVmnet(folder = '/dev'): readonly VmnetDevice[] {
  return names(folder)
    .filter((name) => /^vmnet\d+$/.test(name))
    .sort()
    .flatMap((name) => {
      try {
        const { mode, gid } = statSync(`${folder}/${name}`);
        return [{ path: `${folder}/${name}`, mode: mode & 0o7777, group: gid }];
      } catch {
        return [];
      }
    });
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
