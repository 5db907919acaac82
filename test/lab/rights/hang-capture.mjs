// Runs a scenario of one step in the lab, with a capture helper that hangs as soon as its capture is over, and prints
// which of them are alive when the program ends by itself: node hang-capture.mjs FILE OUT
import { readFileSync, writeSync } from 'node:fs';
import { enterForRuns, inLab, signalHelper } from '../../support/lab/in-lab.mjs';

function isAlive(pid) {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

await inLab(async ([file, outDir]) => {
  const [run, { loadScenario }] = await Promise.all([
    enterForRuns(),
    import('../../../build/core/scenario/load-scenario.js'),
  ]);
  const hung = [];
  const { result } = await run(loadScenario(file, readFileSync(file)), {
    outDir,
    runId: 'hang',
    alter: (devices) => ({
      ...devices,
      async startCapture(options) {
        const capture = await devices.startCapture(options);
        return {
          ...capture,
          async stop() {
            const pids = capture.pids();
            const captured = await capture.stop();
            for (const pid of pids) {
              signalHelper(pid, 'SIGSTOP');
              hung.push(pid);
            }
            return captured;
          },
        };
      },
    }),
  });
  process.once('exit', () =>
    writeSync(1, JSON.stringify({ verdict: result.verdict, hung, alive: hung.filter(isAlive) })),
  );
});
