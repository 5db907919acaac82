import { join } from 'node:path';
import { messageOf, VerifyError } from '../../../core/model/verify-error.js';
import { cannotWrite } from '../../../system/evidence/folder/folder.js';
import { checkNamedFile } from '../../../system/evidence/folder/named-file.js';
import { openOwnFolder } from '../../../system/evidence/folder/own-folder.js';
import type { RunPaths } from '../../../system/process/process-rights.js';

/** `--out`, or `evidence/<name>-<time>-<run id>` here. Several files get a sub-folder each. */
export function evidenceFolder(
  out: string | undefined,
  name: string,
  several: boolean,
  now: Date,
  runId: string,
): string {
  const generated = `${
    name
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[.-]+/, '')
      .slice(0, 60) || 'run'
  }-${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${runId.slice(0, 8)}`;
  if (out === undefined) return join('evidence', generated);
  return several ? join(out, generated) : out;
}

/**
 * Makes a folder of mode 0700, with sudo for the calling user, after `fill`. VerifyError (64) as `openOwnFolder`, 69 if
 * it cannot be filled.
 */
export function makeEvidenceFolder(dir: string, fill: (path: string) => void = () => undefined): void {
  const folder = openOwnFolder(dir);
  try {
    fill(folder.path);
  } catch (error) {
    throw error instanceof VerifyError ? error : cannotWrite(dir, error);
  } finally {
    folder.handOver();
  }
}

/** A run's paths, with `key` to sign its evidence. */
export function runPaths(
  out: string | undefined,
  reports: readonly { readonly path: string | null }[] = [],
  key: string | null = null,
): RunPaths {
  return { evidence: out ?? 'evidence', reports: reports.flatMap(({ path }) => path ?? []), key };
}

/**
 * Tries what a run uses at its end alone: its reports and the key. VerifyError (64) where one would fail then.
 */
export async function checkEnding({ reports, key }: RunPaths): Promise<void> {
  for (const path of reports) {
    try {
      checkNamedFile(path);
    } catch (error) {
      throw new VerifyError(
        'not-written',
        64,
        `${path} cannot be written: ${messageOf(error)}`,
        error instanceof VerifyError ? error.hint : 'name a file that you may write to. Nothing was sent',
      );
    }
  }
  if (key === null) return;
  const { checkKey } = await import('../../../system/evidence/folder/signature.js');
  await checkKey(key);
}
