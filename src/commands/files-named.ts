import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { FileHash, Scenario } from '../core/model/scenario.js';

/**
 * Files of rules and the like that a scenario's `run` and `during` commands name, each once, as they are now; relative
 * paths start at its folder.
 */
export function filesNamed({ file, steps }: Pick<Scenario, 'file' | 'steps'>): readonly FileHash[] {
  const words = steps
    .flatMap(({ run, during }) => [...run, ...during.flatMap((each) => each.run)])
    .flatMap(([, ...args]) => args);
  return [...new Set(words)].flatMap((path) => {
    try {
      const full = resolve(dirname(file), path);
      return statSync(full).isFile()
        ? [{ path, sha256: createHash('sha256').update(readFileSync(full)).digest('hex') }]
        : [];
    } catch {
      return []; // a word that is no file, or one that cannot be read: the command will say so
    }
  });
}
