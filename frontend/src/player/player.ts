/**
 * The one player of the page. A change of version prepares a second element at the same
 * position and swaps when it can play, so that before and after follow without a gap.
 */
import { computed, signal } from "@preact/signals";
import { t } from "../i18n.ts";
import { toast } from "../toasts.ts";
import type { Track } from "../types.ts";

export interface Version {
  /** "source" or the rendition's name. */
  name: string;
  url: string;
  integrated_lufs: number | null;
}

export const SOURCE = "source";

export const current = signal<Track | null>(null);
export const version = signal<Version | null>(null);
export const playing = signal(false);
export const position_s = signal(0);
export const duration_s = signal(0);
/** Play the louder of original and rendition softer, to compare the sound alone. */
export const matching = signal(false);

/** What can be listened to, the original first. */
export function versionsOf(track: Track): Version[] {
  const source: Version[] = track.source
    ? [{ name: SOURCE, url: track.source.url, integrated_lufs: track.source.loudness.integrated_lufs }]
    : [];
  return [
    ...source,
    // No browser's audio element plays HLS everywhere; its rates are there as AAC.
    ...track.renditions.filter(({ stream_url }) => !stream_url).map(({ name, url, loudness }) => ({ name, url, integrated_lufs: loudness.integrated_lufs })),
  ];
}

export const versions = computed(() => (current.value ? versionsOf(current.value) : []));

const FIRST_CHOICES = ["aac", "mp3", "opus", "flac"];
let audio = new Audio();
let preparing: HTMLAudioElement | null = null;

function firstVersion(track: Track): Version | undefined {
  const all = versionsOf(track);
  const renditions = FIRST_CHOICES.flatMap((name) => all.filter((one) => one.name === name));
  return renditions[0] ?? all.find((one) => one.name !== SOURCE) ?? all[0];
}

function volumeFor(chosen: Version): number {
  if (!matching.peek() || chosen.integrated_lufs === null) return 1;
  const levels = versions.peek().flatMap(({ integrated_lufs }) => (integrated_lufs === null ? [] : [integrated_lufs]));
  return 10 ** ((Math.min(...levels) - chosen.integrated_lufs) / 20);
}

function follow(element: HTMLAudioElement, chosen: Version): void {
  const mine = (): boolean => element === audio;
  element.ontimeupdate = () => mine() && (position_s.value = element.currentTime);
  element.ondurationchange = () => {
    if (mine() && Number.isFinite(element.duration)) duration_s.value = element.duration;
  };
  element.onplay = () => mine() && (playing.value = true);
  element.onpause = () => mine() && (playing.value = false);
  element.onended = () => mine() && (playing.value = false);
  element.onerror = () => {
    if (!mine() && element !== preparing) return;
    preparing = null;
    playing.value = !audio.paused && element !== audio;
    toast(t("player.unplayable", { version: chosen.name === SOURCE ? t("player.original") : chosen.name.toUpperCase() }), "bad");
  };
}

function discard(element: HTMLAudioElement): void {
  element.pause();
  element.removeAttribute("src");
  element.load();
}

async function start(): Promise<void> {
  try {
    await audio.play();
  } catch {
    playing.value = false; // The element's own error says why, or the browser wants a click first.
  }
}

/** Play this track, from where it was if it is the current one. */
export function play(track: Track): void {
  if (current.peek()?.id === track.id) {
    void start();
    return;
  }
  const chosen = firstVersion(track);
  if (!chosen) return;
  discard(audio);
  preparing = null;
  audio = new Audio();
  follow(audio, chosen);
  current.value = track;
  version.value = chosen;
  position_s.value = 0;
  duration_s.value = track.source?.duration_s ?? 0;
  audio.volume = volumeFor(chosen);
  audio.src = chosen.url;
  void start();
}

export function pause(): void {
  audio.pause();
}

export function toggle(track: Track | null = current.peek()): void {
  if (!track) return;
  if (playing.peek() && current.peek()?.id === track.id) pause();
  else play(track);
}

export function seek(to_s: number): void {
  const at = Math.min(Math.max(0, to_s), Math.max(0, duration_s.peek() - 0.05));
  audio.currentTime = at;
  position_s.value = at;
}

/** Go on with another version at the same position. */
export function choose(name: string): void {
  const chosen = versions.peek().find((one) => one.name === name);
  if (!chosen || chosen.name === version.peek()?.name) return;
  if (preparing) discard(preparing);
  const next = new Audio();
  preparing = next;
  follow(next, chosen);
  next.volume = volumeFor(chosen);
  next.preload = "auto";
  next.onloadedmetadata = () => (next.currentTime = audio.currentTime);
  next.oncanplay = () => {
    if (preparing !== next) return;
    next.oncanplay = null;
    preparing = null;
    const old = audio;
    const wasPlaying = !old.paused;
    // What played while the other loaded is caught up if it is already there.
    if (wasPlaying && Math.abs(next.currentTime - old.currentTime) > 0.05) next.currentTime = old.currentTime;
    audio = next;
    version.value = chosen;
    if (wasPlaying) void start();
    discard(old);
  };
  next.src = chosen.url;
}

export function setMatching(on: boolean): void {
  matching.value = on;
  if (version.peek()) audio.volume = volumeFor(version.peek()!);
}

export function close(): void {
  discard(audio);
  current.value = null;
  version.value = null;
  playing.value = false;
}
