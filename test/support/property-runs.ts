import fc from 'fast-check';
import { isWholeLevel } from './level.js';

// Twenty find what a change broke; a thousand look for what nobody thought of.
fc.configureGlobal({ numRuns: isWholeLevel ? 1000 : 20 });
