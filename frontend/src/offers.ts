/** What a preset of one's own can be made of; nothing it has already is renamed or lost. */
import type { Preset, RenditionSpec } from "./types.ts";

export const spec = (name: string, format: string, more: Partial<RenditionSpec> = {}): RenditionSpec => ({
  name, format, bitrate_bps: null, quality: null, bit_depth: null, ...more,
});

const AAC = spec("aac", "aac", { bitrate_bps: 256_000 });

const OFFERED: readonly RenditionSpec[] = [
  spec("wav", "wav"),
  spec("flac", "flac", { quality: 5 }),
  spec("alac", "alac"),
  spec("mp3-320", "mp3", { bitrate_bps: 320_000 }),
  spec("mp3", "mp3", { quality: 0 }),
  AAC,
  spec("aac-128", "aac", { bitrate_bps: 128_000 }),
  spec("aac-64", "aac", { bitrate_bps: 64_000 }),
  spec("opus", "opus", { bitrate_bps: 128_000 }),
  spec("opus-64", "opus", { bitrate_bps: 64_000 }),
  spec("vorbis", "vorbis", { quality: 6 }),
  spec("hls", "hls"),
];

/** "MP3 320", "MP3 V0", "WAV 24". */
export function specName({ format, bitrate_bps, quality, bit_depth }: RenditionSpec): string {
  const named = { mp3: `V${quality}`, vorbis: `q${quality}` }[format];
  const more = bitrate_bps ? bitrate_bps / 1000 : quality !== null && named ? named : bit_depth;
  return more ? `${format.toUpperCase()} ${more}` : format.toUpperCase();
}

const isSame = (one: RenditionSpec, other: RenditionSpec): boolean =>
  one.format === other.format && one.bitrate_bps === other.bitrate_bps && one.quality === other.quality && one.bit_depth === other.bit_depth;

function freeName(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let n = 2; taken.has(free); n += 1) free = `${name}-${n}`;
  return free;
}

/** What the preset has, under its own names, then what is offered beyond it. */
export function choices({ renditions }: Pick<Preset, "renditions">): RenditionSpec[] {
  const taken = new Set(renditions.map(({ name }) => name));
  const more = OFFERED.filter((one) => !renditions.some((other) => isSame(one, other)));
  return [...renditions, ...more.map((one) => ({ ...one, name: freeName(one.name, taken) }))];
}

/** What was chosen, by name. An HLS set is made of the AAC ones: without any it brings one along. */
export function chosen(preset: Pick<Preset, "renditions">, names: readonly string[]): RenditionSpec[] {
  const wanted = choices(preset).filter(({ name }) => names.includes(name));
  const lacksRate = wanted.some(({ format }) => format === "hls") && !wanted.some(({ format }) => format === "aac");
  const taken = new Set(wanted.map(({ name }) => name));
  return lacksRate ? [{ ...AAC, name: freeName(AAC.name, taken) }, ...wanted] : wanted;
}
