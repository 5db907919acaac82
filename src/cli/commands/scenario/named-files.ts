import { createHash } from 'node:crypto';
import { dirname, relative, resolve } from 'node:path';
import type { FileHash, Scenario } from '../../../core/model/scenario.js';
import { commandsOf, includesFile, maxNamedBytes, pathsIn } from '../../../core/scenario/free-commands.js';
import { readFileBelow } from '../../../system/fabric/hold-files.js';

/** Files in a scenario's commands. */
export interface NamedFiles {
  /** Each once, as now. */
  readonly files: readonly FileHash[];
  readonly refused: readonly string[];
}

/** Finds files in `run` and `during`, relative to the scenario's folder. `anywhere` accepts other folders too. */
export function namedFiles({ file, steps }: Pick<Scenario, 'file' | 'steps'>, anywhere: boolean): NamedFiles {
  const folder = dirname(file);
  const files = new Map<string, string>();
  const refused: string[] = [];
  for (const { step, argv } of commandsOf(steps)) {
    const [program, ...words] = argv;
    const say = (why: string): void => {
      if (!anywhere) refused.push(`${file}: step “${step}”: run: ${argv.join(' ')}: ${why}`);
    };
    /** `isPath`: by form alone, existing or not. */
    const take = (path: string, isPath: boolean): void => {
      const full = resolve(folder, path);
      const content = readFileBelow(full, maxNamedBytes, anywhere ? null : folder);
      if (content.kind === 'file') {
        files.set(path, createHash('sha256').update(content.bytes).digest('hex'));
        // of the programs that every scenario may start, nft alone has a language with such a statement
        if (program === 'nft' && includesFile(Buffer.from(content.bytes).toString('latin1')))
          say(`${path} reads another file with include`);
      } else if (content.kind === 'outside' || (isPath && relative(resolve(folder), full).startsWith('..')))
        say(`${path} is not below the folder of the scenario`);
      else if (content.kind === 'refused' || isPath) say(`${path}: ${content.why}`);
    };
    for (const word of words) {
      const inside = pathsIn(word);
      for (const path of new Set(word === '' ? inside : [word, ...inside])) take(path, inside.includes(path));
    }
  }
  return { files: [...files].map(([path, sha256]) => ({ path, sha256 })), refused: [...new Set(refused)] };
}
