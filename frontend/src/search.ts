/** Whether a search finds a track: as the server's model/search_text.py has it, for what changes under a search. */
import type { Track } from "./types.ts";

const MARKS = /\p{M}+/gu;
const BETWEEN = /[^\p{L}\p{N}]+/gu;
/** Words of fewer characters are found only where a word begins. */
const SHORTEST_INSIDE = 3;

/** Upper case first, so that ß, ς and their like are one with what they are written as elsewhere. */
const foldCase = (text: string): string => text.toUpperCase().toLowerCase().replaceAll("ς", "σ");

/** `fold("São João", "01_tema.wav")` is " sao joao 01 tema wav ". */
export function fold(...names: (string | null)[]): string {
  const bare = names.filter(Boolean).join(" ").normalize("NFKD").replace(MARKS, "");
  const words = foldCase(bare).replace(BETWEEN, " ").trim();
  return words && ` ${words} `;
}

function patterns(text: string): string[] {
  const words = fold(text).trim();
  return words ? words.split(" ").map((word) => ([...word].length < SHORTEST_INSIDE ? ` ${word}` : word)) : [];
}

/** Whether all of `text` stands in a track's names. */
export function finds(text: string, { title, artist, filename }: Pick<Track, "title" | "artist" | "filename">): boolean {
  const wanted = patterns(text);
  // What has neither letter nor digit is looked for as it is.
  if (wanted.length === 0) return [title, artist ?? "", filename].some((name) => name.toLowerCase().includes(text.toLowerCase()));
  const names = fold(title, artist, filename);
  return wanted.every((one) => names.includes(one));
}
