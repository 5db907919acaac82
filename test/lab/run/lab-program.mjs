// A program that starts itself inside the lab and does what its arguments say: node lab-program.mjs ACT [ARGUMENT…]
import { inLab } from '../../support/lab/in-lab.mjs';

await inLab(async (args) => {
  const { act } = await import('./lab-acts.mjs');
  await act(args);
});
