export type Weights = Readonly<Record<string, number>>;

export function tokensOf(text: string, file?: string): number;

export function textWeightOf(text: string): number;

export function measure(): { readonly measures: Weights; readonly folders: ReadonlyMap<string, number> };

export function readCeilings(): Weights;

export function lower(ceilings: Weights, measures: Weights): Weights;

export function tooHeavy(ceilings: Weights, measures: Weights): readonly string[];

export function tooHigh(ceilings: Weights, measures: Weights): readonly string[];
