import type { ConfinedTask, ConfinedWord } from './system/process/confined-process.js';

/**
 * A process without rights that reads untrusted data (system/process/confined-process.ts). It confines itself, then
 * answers JSON lines until stdin ends. Only the program itself asks, so questions are not checked.
 */
const folderFd = 3;

function say(word: ConfinedWord): void {
  process.stdout.write(`${JSON.stringify(word)}\n`);
}

async function serve<T>(answer: (request: T) => object | Promise<object>): Promise<void> {
  let buffered: Buffer[] = [];
  for await (const chunk of process.stdin) {
    let rest = Buffer.from(chunk);
    for (let at = rest.indexOf(10); at >= 0; at = rest.indexOf(10)) {
      const line = Buffer.concat([...buffered, rest.subarray(0, at)]).toString('utf8');
      buffered = [];
      rest = rest.subarray(at + 1);
      say({ answer: await answer(JSON.parse(line)) });
    }
    buffered.push(rest);
  }
}

const tasks: { readonly [T in ConfinedTask]: () => Promise<void> } = {
  async judge() {
    const [{ judgeTask }, { confine }] = await Promise.all([
      import('./system/evidence/judge-task.js'),
      import('./system/process/confine.js'),
    ]);
    const { enclosed } = confine(folderFd);
    const folder = enclosed ? '/' : `/proc/self/fd/${folderFd}`;
    await serve((request: Parameters<typeof judgeTask>[1]) =>
      judgeTask(folder, request, () => say({ reported: { phase: 'judging' } })),
    );
  },
  async parse() {
    const [{ parseGuests }, { confine }] = await Promise.all([
      import('./system/state/parse-guests.js'),
      import('./system/process/confine.js'),
    ]);
    confine(null);
    await serve(parseGuests);
  },
};

const task = Object.entries(tasks).find(([name]) => name === process.argv[2])?.[1];
if (task === undefined) {
  process.stderr.write(`confined: unknown task; known: ${Object.keys(tasks).join(', ')}\n`);
  process.exitCode = 64;
} else {
  void task();
}
