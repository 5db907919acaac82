const factor = Number(process.env['VERIFY_ISOLATION_PATIENCE'] ?? 1);

/** The kernel is slow, as User-mode Linux is: as many cases are enough as show what it does. */
export const isSlow = factor > 1;

/** A time that a test may take, in ms: more where the kernel is slow. */
export function patient(ms: number): number {
  return ms * factor;
}
