export const STATIC_DIR: string;
export const FILL: Record<string, string>;
export function writeStatic(): void;
