// Runs one scenario in the lab with one thing broken and prints what the run said: node program.mjs FILE KIND NAMES
// OUT, with NAMES a JSON list
import { inLab } from '../../support/lab/in-lab.mjs';

void inLab(async (args) => {
  const { inside } = await import('./inside.mjs');
  await inside(args);
});
