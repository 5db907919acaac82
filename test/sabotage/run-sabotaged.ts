import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./program.mjs', import.meta.url));

/** What a sabotaged run said. */
export interface Said {
  readonly verdict: string;
  readonly exitCode: number;
  readonly steps: readonly { readonly verdict: string | null; readonly reasons: readonly { readonly code: string }[] }[];
}

/** Runs the scenario in the lab with one thing broken and its evidence in `dir`: the barrier or sense `name`, or `none`. */
export function runSabotaged(file: string, kind: 'barrier' | 'sense' | 'none', name: string, dir: string): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, file, kind, name, dir], { stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => { out += text; });
    child.stderr.setEncoding('utf8').on('data', (text: string) => { err += text; });
    child.on('close', (status) => {
      if (status !== 0 || out === '') reject(new Error(`${kind} ${name}: status ${status ?? '?'}, ${out}${err}`));
      else resolve(JSON.parse(out) as Said);
    });
  });
}
