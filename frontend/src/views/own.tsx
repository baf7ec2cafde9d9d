/** A preset of one's own: made, changed and deleted in one dialog. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { createPreset, changePreset, deletePreset, getPresets } from "../api.ts";
import { t } from "../i18n.ts";
import { session } from "../session.ts";
import { toast, toastError } from "../toasts.ts";
import type { Preset, RenditionSpec } from "../types.ts";
import { choosePreset } from "./presets.tsx";

const spec = (name: string, format: string, more: Partial<RenditionSpec> = {}): RenditionSpec => ({
  name, format, bitrate_bps: null, quality: null, bit_depth: null, ...more,
});

const OFFERED: readonly RenditionSpec[] = [
  spec("wav", "wav"),
  spec("flac", "flac", { quality: 5 }),
  spec("alac", "alac"),
  spec("mp3-320", "mp3", { bitrate_bps: 320_000 }),
  spec("mp3", "mp3", { quality: 0 }),
  spec("aac", "aac", { bitrate_bps: 256_000 }),
  spec("aac-128", "aac", { bitrate_bps: 128_000 }),
  spec("opus", "opus", { bitrate_bps: 128_000 }),
  spec("opus-64", "opus", { bitrate_bps: 64_000 }),
];
const FRESH: Preset = {
  name: "", built_in: false, target_lufs: -14, ceiling_dbtp: -1, max_limiting_db: 3, tolerance_lu: 0.3,
  renditions: [spec("wav", "wav"), spec("mp3-320", "mp3", { bitrate_bps: 320_000 })],
};

const open = signal<Preset | null>(null);

export const makePreset = (): void => void (open.value = FRESH);
export const editPreset = (preset: Preset): void => void (open.value = preset);

/** "MP3 320", "MP3 V0", "WAV 24". */
export function specName({ format, bitrate_bps, quality, bit_depth }: RenditionSpec): string {
  const more = bitrate_bps ? bitrate_bps / 1000 : format === "mp3" && quality !== null ? `V${quality}` : bit_depth;
  return more ? `${format.toUpperCase()} ${more}` : format.toUpperCase();
}

const isSame = (one: RenditionSpec, other: RenditionSpec): boolean =>
  one.format === other.format && one.bitrate_bps === other.bitrate_bps && one.quality === other.quality && one.bit_depth === other.bit_depth;

/** What is offered, and before it what the preset has beyond that. */
function choices(preset: Preset): RenditionSpec[] {
  const kept = preset.renditions.filter((one) => !OFFERED.some((other) => isSame(one, other)));
  const names = new Set(kept.map(({ name }) => name));
  return [...kept, ...OFFERED.filter(({ name }) => !names.has(name))];
}

function read(form: HTMLFormElement, preset: Preset): Preset {
  const given = new FormData(form);
  const number = (name: string): number => Number(String(given.get(name)).replace(",", "."));
  const wanted = given.getAll("rendition");
  return {
    name: preset.name || String(given.get("name")).trim(),
    built_in: false,
    target_lufs: given.get("level") === "on" ? number("target_lufs") : null,
    ceiling_dbtp: number("ceiling_dbtp"),
    max_limiting_db: number("max_limiting_db"),
    tolerance_lu: preset.tolerance_lu,
    renditions: choices(preset).filter(({ name }) => wanted.includes(name)),
  };
}

async function refresh(): Promise<void> {
  const presets = (await getPresets()).items;
  if (session.value) session.value = { ...session.value, presets };
}

export function OwnPresetDialog(): JSX.Element | null {
  const dialog = useRef<HTMLDialogElement>(null);
  const preset = open.value;
  useEffect(() => {
    if (preset && !dialog.current?.open) dialog.current?.showModal();
  }, [preset]);
  if (!preset) return null;
  const close = (): void => {
    dialog.current?.close();
    open.value = null;
  };
  const finish = async (work: () => Promise<unknown>, said: string): Promise<void> => {
    try {
      await work();
      await refresh();
      close();
      toast(said, "good");
    } catch (error) {
      toastError(error);
    }
  };
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const wanted = read(event.currentTarget as HTMLFormElement, preset);
    void finish(async () => {
      await (preset.name ? changePreset(wanted) : createPreset(wanted));
      choosePreset(wanted.name);
    }, t("toast.saved"));
  };
  const has = (one: RenditionSpec): boolean => preset.renditions.some((other) => isSame(one, other));
  return (
    <dialog ref={dialog} class="dialog own" aria-labelledby="own-title" onCancel={() => (open.value = null)}>
      <h2 id="own-title">{preset.name || t("own.title")}</h2>
      <form onSubmit={save}>
        {!preset.name && (
          <label class="own-field">{t("own.name")} <input name="name" required maxLength={64} autocomplete="off" autofocus /></label>
        )}
        <label class="own-check"><input type="checkbox" name="level" defaultChecked={preset.target_lufs !== null} /> {t("own.level")}</label>
        <label class="own-field">{t("own.target")} <input name="target_lufs" type="number" min={-70} max={0} step="any" required defaultValue={String(preset.target_lufs ?? -14)} /></label>
        <label class="own-field">{t("own.ceiling")} <input name="ceiling_dbtp" type="number" min={-20} max={0} step="any" required defaultValue={String(preset.ceiling_dbtp)} /></label>
        <label class="own-field">{t("own.limiting")} <input name="max_limiting_db" type="number" min={0} max={12} step="any" required defaultValue={String(preset.max_limiting_db)} /></label>
        <fieldset class="own-formats">
          <legend>{t("own.formats")}</legend>
          {choices(preset).map((one) => (
            <label key={one.name} class="own-check"><input type="checkbox" name="rendition" value={one.name} defaultChecked={has(one)} /> {specName(one)}</label>
          ))}
        </fieldset>
        <div class="dialog-actions">
          {preset.name && (
            <button type="button" class="button danger-button own-delete" onClick={() => void finish(() => deletePreset(preset.name), t("own.deleted"))}>
              {t("track.delete")}
            </button>
          )}
          <button type="button" class="button quiet-button" onClick={close}>{t("own.close")}</button>
          <button type="submit" class="button">{t("track.save")}</button>
        </div>
      </form>
    </dialog>
  );
}
