import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VerifyError } from '../../../core/model/verify-error.js';

/**
 * `evidence/<name>-<time>-<run id>` below the current folder, or what `--out` says; several files get a sub-folder
 * each.
 */
export function evidenceFolder(
  out: string | undefined,
  name: string,
  several: boolean,
  now: Date,
  runId: string,
): string {
  const own = `${
    name
      .replace(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[.-]+/, '')
      .slice(0, 60) || 'run'
  }-${now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${runId.slice(0, 8)}`;
  if (out === undefined) return join('evidence', own);
  return several ? join(out, own) : out;
}

/**
 * Makes the folder for its owner alone (0700); with sudo it belongs to whoever called. Throws VerifyError (64) where it
 * is there already and not empty, is somebody else's, or is a symbolic link: root would write, and change rights, where
 * somebody else points to.
 */
export function makeEvidenceFolder(dir: string): void {
  const made: string[] = [];
  for (let path = dir; !exists(path) && dirname(path) !== path; path = dirname(path)) made.push(path);
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    checkOwn(dir);
    chmodSync(dir, 0o700); // before it is looked into: what others could still put there counts
    if (readdirSync(dir).length > 0)
      throw new VerifyError(
        'out-not-empty',
        64,
        `${dir}: the folder is not empty`,
        'evidence of two runs is never mixed: name another folder with --out',
      );
    const uid = Number(process.env.SUDO_UID),
      gid = Number(process.env.SUDO_GID);
    if (process.getuid?.() === 0 && Number.isInteger(uid) && Number.isInteger(gid))
      made.forEach((path) => chownSync(path, uid, gid));
  } catch (error) {
    if (error instanceof VerifyError) throw error;
    throw new VerifyError(
      'out-not-made',
      64,
      `${dir}: the evidence folder could not be made: ${error instanceof Error ? error.message : String(error)}`,
      'name a folder that you may write to with --out',
    );
  }
}

function checkOwn(dir: string): void {
  const found = lstatSync(dir.replace(/\/+$/, '') || '/'); // with a slash at its end a link is followed
  const hint = 'name a folder that is not there yet, or your own, with --out';
  if (found.isSymbolicLink())
    throw new VerifyError('out-not-own', 64, `${dir}: the evidence folder is a symbolic link`, hint);
  const own = process.getuid?.() === 0 ? [0, Number(process.env.SUDO_UID)] : [process.getuid?.()];
  if (!own.includes(found.uid))
    throw new VerifyError('out-not-own', 64, `${dir}: the evidence folder belongs to user ${found.uid}`, hint);
}

function exists(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}
