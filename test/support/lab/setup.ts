import { afterAll } from 'vitest';
import { removeScratch } from './program.js';

// Runs before each file, in a process that files share as well: what a module registers itself it registers once.
afterAll(removeScratch);
