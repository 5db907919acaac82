// Runs one scenario in the lab with one thing broken and prints what the run said: node program.mjs FILE KIND NAMES
// OUT, with NAMES a JSON list
import { enableCompileCache } from '../../../src/system/process/compile-cache.js';
import { inLab } from '../../support/lab/in-lab.mjs';

void inLab(async (args) => {
  enableCompileCache();
  const { inside } = await import('./inside.mjs');
  await inside(args);
});
