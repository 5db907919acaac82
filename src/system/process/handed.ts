import { closeSync, fstatSync, readFileSync, writeSync } from 'node:fs';
import { libc } from '../kernel/libc.js';

/** Announces input in place of command line and files: `channel`, or a descriptor. */
export const handedVariable = 'VERIFY_ISOLATION_HANDED';

/** Stores JSON for the program replacing this one. Returns the variable's value. */
export function handOn(handed: unknown): string {
  const fd = libc().memfd_create('verify-isolation', 0); // without CLOEXEC: it outlives this program
  if (fd < 0) return '';
  const bytes = Buffer.from(JSON.stringify(handed));
  // Explicit positions, so that reading starts at the beginning.
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at);
  return String(fd);
}

/** True if this program was handed input. */
export function isHanded(): boolean {
  return /^(channel|\d+)$/.test(process.env[handedVariable] ?? '');
}

/** The previous program's input, hidden from children. null = none. */
export function takeHanded(): unknown {
  const fd = process.env[handedVariable];
  delete process.env[handedVariable];
  if (fd === undefined || !/^\d+$/.test(fd)) return null;
  try {
    const { nlink, uid } = fstatSync(Number(fd));
    if (nlink !== 0 || uid !== process.geteuid?.()) return null; // no memory of this user's
    const text = readFileSync(Number(fd), 'utf8');
    closeSync(Number(fd));
    return JSON.parse(text);
  } catch {
    return null; // another program set the variable
  }
}
