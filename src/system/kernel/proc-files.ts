import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

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

function orElse<T>(nothing: T, read: () => T): T {
  try {
    return read();
  } catch {
    return nothing;
  }
}
