import type { RunFolder } from './reason-cases.mjs';
export declare function readFolder(dir: string): RunFolder;
export declare function writeFolder(dir: string, folder: RunFolder, scenario: string): void;
