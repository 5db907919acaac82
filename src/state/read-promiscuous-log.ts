import { VerifyError } from '../core/model/verify-error.js';
import { runProgram } from '../sys/programs.js';

/**
 * `[ 12.3] br0: entered promiscuous mode`, before Linux 6.3 `[ 12.3] device br0 entered promiscuous mode`
 * (net/core/dev.c, __dev_set_promiscuity).
 */
const line = /^\[\s*([\d.]+)\]\s+(?:device )?(\S+?)(?: \(\w+\))?:? (entered|left) promiscuous mode$/;

/** By device, the last such line of a kernel log. */
export function parsePromiscuousLog(text: string): Readonly<Record<string, string>> {
  const last: Record<string, string> = {};
  for (const one of text.split('\n')) {
    const found = line.exec(one);
    if (found !== null) last[found[2] ?? ''] = `${found[3] ?? ''} promiscuous mode ${found[1] ?? ''} s after boot`;
  }
  return last;
}

/** What the kernel's log says of promiscuous mode; null where it may not be read (kernel.dmesg_restrict). */
export async function readPromiscuousLog(): Promise<Readonly<Record<string, string>> | null> {
  try {
    const { status, stdout } = await runProgram(['dmesg', '--color=never']);
    return status === 0 ? parsePromiscuousLog(stdout) : null;
  } catch (error) {
    if (error instanceof VerifyError) return null;
    throw error;
  }
}
