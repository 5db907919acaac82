import { setTimeout as sleep } from 'node:timers/promises';
import type { ClockSync, ClockMoment } from '../../core/model/run-record.js';
import { libc } from './libc.js';

/** struct timex (adjtimex(2)) with 64-bit `long`: maxerror in µs, status. */
const timexLength = 208;
const maxErrorAt = 24;
const statusAt = 40;
const unsynchronized = 0x0040;
const timeError = 5;
const wide: readonly string[] = ['x64', 'arm64', 'riscv64', 'ppc64', 's390x', 'loong64'];

/** The kernel's rating of its clock. null = not reported. */
export function readClockSync(): ClockSync | null {
  if (!wide.includes(process.arch)) return null;
  const timex = new Uint8Array(timexLength);
  const state = libc().adjtimex(timex);
  if (state < 0) return null;
  const view = new DataView(timex.buffer);
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  const status = view.getInt32(statusAt, little);
  return {
    synchronized: state !== timeError && (status & unsynchronized) === 0,
    maxErrorUs: Number(view.getBigInt64(maxErrorAt, little)),
  };
}

const secondsAt = 72;
const nanoseconds = 0x2000;

/** Wall clock in ns since 1970, to the ms without a 64-bit `adjtimex`. */
export function wallClockNs(): bigint {
  const timex = new Uint8Array(timexLength);
  if (!wide.includes(process.arch) || libc().adjtimex(timex) < 0) return BigInt(Date.now()) * 1_000_000n;
  const view = new DataView(timex.buffer);
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
  // tv_usec, in ns if STA_NANO is set (adjtimex(2))
  const fraction = view.getBigInt64(secondsAt + 8, little);
  return (
    view.getBigInt64(secondsAt, little) * 1_000_000_000n +
    ((view.getInt32(statusAt, little) & nanoseconds) === 0 ? fraction * 1000n : fraction)
  );
}

/** The present on both clocks. */
export function moment(): ClockMoment {
  return { utc: new Date().toISOString(), monotonicNs: process.hrtime.bigint().toString() };
}

/** Replaced by tests. */
export interface Clock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The machine's time. */
export const machineClock: Clock = {
  now: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  },
};
