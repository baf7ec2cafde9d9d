/** Numbers as people of each language read them. A missing number is a dash, never zero. */
import { language, t } from "./i18n.ts";

const DASH = "–";
const MINUS = "\u2212";
/** Between a figure and its unit, which stay in one line. */
const NO_BREAK = "\u00a0";

function number(value: number, digits: number): string {
  return new Intl.NumberFormat(language.value, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  })
    .format(value)
    .replace("-", MINUS);
}

/** One decimal, with a true minus sign: loudness, peaks, ranges. */
export function decibels(value: number | null | undefined): string {
  if (value === null || value === undefined) return DASH;
  const rounded = Math.round(value * 10) / 10;
  return number(rounded === 0 ? 0 : rounded, 1);
}

/** A gain: as `decibels`, with a plus sign when it is louder. */
export function gain(value: number): string {
  return value > 0.049 ? `+${decibels(value)}` : decibels(value);
}

/** As `decibels`, without the decimal where there is none: targets. */
export function target(value: number): string {
  return Number.isInteger(value) ? number(value, 0) : decibels(value);
}

/** 1,234 bytes -> "1.2 kB": powers of 1000, as file managers show them. */
export function bytes(value: number | null | undefined): string {
  if (value === null || value === undefined) return DASH;
  const units = ["B", "kB", "MB", "GB", "TB"];
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${number(rest, unit === 0 || rest >= 99.5 || Number.isInteger(rest) ? 0 : 1)} ${units[unit]}`;
}

/** Whole percent, never 100 before the end. */
export function percent(share: number): string {
  const whole = share >= 1 ? 100 : Math.min(99, Math.max(0, Math.floor(share * 100)));
  return `${number(whole, 0)}${NO_BREAK}%`;
}

/** 187.2 s -> "3:07"; hours only when there are some. */
export function clock(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return DASH;
  const whole = Math.floor(Math.max(0, seconds));
  const s = String(whole % 60).padStart(2, "0");
  const m = Math.floor(whole / 60) % 60;
  const h = Math.floor(whole / 3600);
  return h > 0 ? `${h}:${String(m).padStart(2, "0")}:${s}` : `${m}:${s}`;
}

/** A duration still to wait, rounded as one would say it. */
export function wait(seconds: number): string {
  if (seconds < 59.5) return t("unit.seconds", { n: Math.max(1, Math.round(seconds)) });
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return t("unit.minutes", { n: minutes });
  return t("unit.hours", { h: Math.floor(minutes / 60), m: minutes % 60 });
}

export function kilohertz(hz: number): string {
  return `${number(hz / 1000, hz % 1000 === 0 ? 0 : 1)}${NO_BREAK}kHz`;
}

export function kilobits(bps: number): string {
  return `${number(bps / 1000, 0)}${NO_BREAK}kbit/s`;
}

export function dateTime(iso: string): string {
  return new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeStyle: "short" }).format(
    new Date(iso),
  );
}

export function timeOfDay(iso: string): string {
  return new Intl.DateTimeFormat(language.value, { timeStyle: "medium" }).format(new Date(iso));
}

/** What people call a codec. */
export function codec(name: string): string {
  if (name.startsWith("pcm_")) return "PCM";
  const names: Record<string, string> = { aac: "AAC", alac: "ALAC", flac: "FLAC", mp3: "MP3", mp3float: "MP3", opus: "Opus", libopus: "Opus", vorbis: "Vorbis" };
  return names[name] ?? name.toUpperCase();
}
