import { closeSync, fstatSync, readFileSync, writeSync } from 'node:fs';
import { libc } from '../kernel/libc.js';

/**
 * Reports to a program that it is handed what it is to do, by the process that starts it or by the one whose place it
 * takes, and need not read its command line and its files again: `channel`, over the channel of a launcher, or the
 * number of a descriptor.
 */
export const handedVariable = 'VERIFY_ISOLATION_HANDED';

/**
 * Lays down what JSON can carry for the program that takes this one's place; what it has to find in its environment.
 */
export function handOn(handed: unknown): string {
  const fd = libc().memfd_create('verify-isolation', 0); // without CLOEXEC: it outlives this program
  if (fd < 0) return '';
  const bytes = Buffer.from(JSON.stringify(handed));
  // Each at its place, so that it is read from the beginning.
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, at);
  return String(fd);
}

/** True if this program has been handed what it is to do. */
export function isHanded(): boolean {
  return /^(channel|\d+)$/.test(process.env[handedVariable] ?? '');
}

/** What the program before this one has laid down; null = nothing. What this one starts hears nothing of it. */
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
    return null; // somebody else has set the variable
  }
}
