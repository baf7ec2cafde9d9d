/** Which unfinished uploads this browser began before the page was loaded. */
import { signal } from "@preact/signals";
import { pathOf, unfinishedPaths } from "./transfer.ts";

const paths = signal<ReadonlySet<string>>(new Set());

export async function readUnfinished(): Promise<void> {
  paths.value = await unfinishedPaths();
}

export function unfinishedHere(url: string): boolean {
  return paths.value.has(pathOf(url));
}
