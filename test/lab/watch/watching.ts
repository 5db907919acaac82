import type { ChildProcess } from 'node:child_process';
import { inThrowAway, threeGuests } from '../../support/lab/throw-away.js';

export type Said = Readonly<Record<string, unknown>>;

/** A watch of br0 with three guests, in a throw-away namespace, and a shell beside it. */
export interface Watching {
  /** Runs a line of shell; resolves with the time at which it was done. */
  run(command: string): Promise<number>;
  /** The next thing said from now on that matches. Rejects with what was said instead after 40 s. */
  next(matches: (said: Said) => boolean): Promise<Said>;
  readonly said: readonly Said[];
  end(): Promise<void>;
}

export async function watching(options = '', prepare = ''): Promise<Watching> {
  const child: ChildProcess = inThrowAway(
    `${threeGuests}\n${prepare}\nset +e\nnode dist/cli.cjs watch --json ${options} & export W=$!\nexec sh`,
  );
  const said: Said[] = [];
  const listeners = new Set<(output: Said | string) => void>();
  let rest = '';
  let stderr = '';
  child.stderr?.on('data', (chunk: string) => (stderr += chunk));
  child.stdout?.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const output: Said | string = line.startsWith('{') ? JSON.parse(line) : line;
      if (typeof output !== 'string') said.push(output);
      for (const listener of [...listeners]) listener(output);
    }
  });
  function hear<T extends Said | string>(matches: (output: Said | string) => T | null, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${what} was not said; said: ${JSON.stringify(said)}; ${stderr}`)),
        120_000,
      );
      const listener = (output: Said | string): void => {
        const found = matches(output);
        if (found === null) return;
        clearTimeout(timer);
        listeners.delete(listener);
        resolve(found);
      };
      listeners.add(listener);
    });
  }
  let marks = 0;
  const watch: Watching = {
    said,
    async run(command) {
      marks += 1;
      const mark = `done ${marks}`;
      const heard = hear((output) => (output === mark ? output : null), `"${mark}" after ${command}`);
      child.stdin?.write(`${command}\necho "${mark}"\n`);
      await heard;
      return Date.now();
    },
    next: (matches) =>
      hear((output) => (typeof output !== 'string' && matches(output) ? output : null), matches.toString()),
    end: () =>
      new Promise((resolve) => {
        child.once('close', () => resolve());
        child.stdin?.end('kill $W; wait $W\n');
        setTimeout(() => child.kill('SIGKILL'), 5000).unref();
      }),
  };
  await watch.next(({ event }) => event === 'watching');
  return watch;
}

export const drift =
  (code: string, place?: string) =>
  (said: Said): boolean =>
    said['event'] === 'drift' && said['code'] === code && (place === undefined || said['place'] === place);
