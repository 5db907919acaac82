import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { asFileUser } from './thread-user.js';

/** Names in a folder of proc(5); none where the process has ended, or where its owner alone may look. */
export function procNames(path: string): readonly string[] {
  return orElse([], () => readdirSync(path));
}

/** Where a link of proc(5) leads; empty as above. */
export function procLink(path: string): string {
  return orElse('', () => readlinkSync(path));
}

/** A file of proc(5); empty as above. */
export function procText(path: string): string {
  return orElse('', () => readFileSync(path, 'utf8'));
}

/** Where the descriptors of a process lead; none as above. The folder is its owner's alone, which root then is. */
export function descriptorsOf(pid: string): readonly string[] {
  const folder = `/proc/${pid}/fd`;
  const read = (): readonly string[] => readdirSync(folder).map((fd) => procLink(`${folder}/${fd}`));
  return orElse([], () => {
    try {
      return read();
    } catch (error) {
      if (!isRefused(error)) throw error;
      return asFileUser(statSync(folder).uid, read);
    }
  });
}

function isRefused(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EACCES' && process.geteuid?.() === 0;
}

function orElse<T>(nothing: T, read: () => T): T {
  try {
    return read();
  } catch {
    return nothing;
  }
}
