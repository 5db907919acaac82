import type { Keeper, LastingFix } from '../core/model/persistent-fix.js';
import type { Wanted } from './wanted.js';

/**
 * What one manager's configuration has to say so that what a fix wants of one device stays. Pure; never empty: without
 * a form it says so.
 */
export type Form<K extends Keeper> = (keeper: K, wanted: readonly Wanted[]) => readonly LastingFix[];

export type KeeperOf<By extends Keeper['by']> = Extract<Keeper, { readonly by: By }>;
