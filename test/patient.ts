/** A time that a test may take, in ms: more where the kernel is slow, as User-mode Linux is. */
export function patient(ms: number): number {
  return ms * Number(process.env['VERIFY_ISOLATION_PATIENCE'] ?? 1);
}
