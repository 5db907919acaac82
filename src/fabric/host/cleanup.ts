import { rmSync } from 'node:fs';
import { namespaceInode, orphanedJournals } from '../../system/fabric/host/journal.js';
import { undoAll } from './undo.js';

/** What was found of a run that was killed. */
export interface CleanedRun {
  readonly runId: string;
  readonly undone: number;
  /** What could not be undone; its journal is kept. */
  readonly failed: readonly string[];
}

/**
 * Undoes what killed runs have left, by their journals. A namespace that is no more took everything with it. Changes in
 * a namespace which this process is not in and which has no path are left alone and named.
 */
export async function cleanUp(folder: string): Promise<readonly CleanedRun[]> {
  const cleaned: CleanedRun[] = [];
  for (const { file, owner, undos } of orphanedJournals(folder)) {
    const here = namespaceInode(owner.netns) === owner.inode;
    const elsewhere = !here && owner.netns === null;
    const failed = here
      ? await undoAll(undos, owner.netns)
      : elsewhere
        ? ['it ran in another network namespace: run cleanup there']
        : [];
    if (failed.length === 0) rmSync(file, { force: true });
    cleaned.push({ runId: owner.runId, undone: here ? undos.length : 0, failed });
  }
  return cleaned;
}
