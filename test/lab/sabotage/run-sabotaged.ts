import { spawn } from 'node:child_process';
import { bundled } from '../../support/bundled.js';

const program = await bundled(new URL('./program.mjs', import.meta.url));

/** What a sabotaged run said. */
export interface Said {
  readonly verdict: string;
  readonly exitCode: number;
  readonly steps: readonly {
    readonly name: string;
    readonly verdict: string | null;
    readonly reasons: readonly { readonly code: string; readonly text: string }[];
  }[];
  /** Why there was no run at all. */
  readonly error?: string;
}

/**
 * Runs the scenario in the lab with its evidence in `dir`: without the barrier `names`, its first gate with the sense
 * `names` broken (`sense`) or the ear above its bridge (`ear`), or that gate once for each of the senses `names`, in one
 * lab (`senses`).
 */
export function runSabotaged(
  file: string,
  kind: 'barrier' | 'sense' | 'senses' | 'ear' | 'none',
  names: readonly string[],
  dir: string,
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, file, kind, JSON.stringify(names), dir], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    child.on('close', (status) => {
      const said = status === 0 && out !== '' ? (JSON.parse(out) as Said) : null;
      // Where there was no run for another reason than that this kernel has not what it needs, nothing was sabotaged.
      if (said === null || (said.error !== undefined && !said.error.startsWith('unsupported: ')))
        reject(new Error(`${kind} ${names.join(', ')}: status ${status ?? '?'}, ${out}${err}`));
      else resolve(said);
    });
  });
}
