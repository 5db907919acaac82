import { readdirSync, statSync } from 'node:fs';
import type { VmnetDevice } from '../../core/model/state.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { runProgram } from '../process/programs.js';

/** VMware's network devices and the users who may open them. */
export function readVmnet(folder = '/dev'): readonly VmnetDevice[] {
  return names(folder)
    .filter((name) => /^vmnet\d+$/.test(name))
    .sort()
    .flatMap((name) => {
      try {
        const { mode, gid } = statSync(`${folder}/${name}`);
        return [{ path: `${folder}/${name}`, mode: mode & 0o7777, group: gid }];
      } catch {
        return [];
      }
    });
}

function names(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Before Linux 6.3: `device br0 entered promiscuous mode` (net/core/dev.c, __dev_set_promiscuity). */
const line = /^\[\s*([\d.]+)\]\s+(?:device )?(\S+?)(?: \(\w+\))?:? (entered|left) promiscuous mode$/;

function parsePromiscuousLog(text: string): Readonly<Record<string, string>> {
  const last: Record<string, string> = {};
  for (const entry of text.split('\n')) {
    const match = line.exec(entry);
    if (match !== null) last[match[2] ?? ''] = `${match[3] ?? ''} promiscuous mode ${match[1] ?? ''} s after boot`;
  }
  return last;
}

/** The last log line by device. null = not permitted (kernel.dmesg_restrict). */
export async function readPromiscuousLog(): Promise<Readonly<Record<string, string>> | null> {
  try {
    const { status, stdout } = await runProgram(['dmesg', '--color=never']);
    return status === 0 ? parsePromiscuousLog(stdout) : null;
  } catch (error) {
    if (error instanceof VerifyError) return null;
    throw error;
  }
}
