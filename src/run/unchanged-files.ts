import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Fabric } from '../core/model/fabric.js';
import type { Scenario } from '../core/model/scenario.js';
import { VerifyError } from '../core/model/verify-error.js';

/** Throws VerifyError (3) where a file that a command names is not the one that was read before the run. */
function mustBeUnchanged(argv: readonly string[], { file, files }: Pick<Scenario, 'file' | 'files'>): void {
  for (const { path, sha256 } of files) {
    if (!argv.includes(path)) continue;
    let digest: string;
    try {
      digest = createHash('sha256')
        .update(readFileSync(resolve(dirname(file), path)))
        .digest('hex');
    } catch (error) {
      digest = error instanceof Error ? error.message : String(error);
    }
    if (digest !== sha256)
      throw new VerifyError(
        'file-changed',
        3,
        `${path} was changed since the run began: ${argv.join(' ')} is not carried out`,
        'what a run does is what its plan was approved with: run it again',
      );
  }
}

/** The fabric, which carries no command out whose files are not those that the scenario was loaded with. */
export function withUnchangedFiles(fabric: Fabric, scenario: Pick<Scenario, 'file' | 'files'>): Fabric {
  if (scenario.files.length === 0) return fabric;
  return {
    ...fabric,
    apply: async (change) => {
      if (change.kind === 'run') mustBeUnchanged(change.argv, scenario);
      return fabric.apply(change);
    },
    happen: async (command) => {
      mustBeUnchanged(command, scenario);
      await fabric.happen(command);
    },
  };
}
