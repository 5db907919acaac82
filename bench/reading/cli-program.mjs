// The command line program as it is; a verdict is no failure of the bench.
import { printPeak } from '../frame/peak.mjs';

printPeak();
process.on('exit', () => {
  if (process.exitCode === 2 || process.exitCode === 3 || process.exitCode === 4) process.exitCode = 0;
});
await import('../../dist/cli.cjs');
