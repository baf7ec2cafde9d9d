/** A preset of one's own: made, changed and deleted in one dialog. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { createPreset, changePreset, deletePreset, getPresets } from "../api.ts";
import { t } from "../i18n.ts";
import { session } from "../session.ts";
import { toast, toastError } from "../toasts.ts";
import { choices, chosen, spec, specName } from "../offers.ts";
import type { Preset, RenditionSpec } from "../types.ts";
import { ask } from "./dialog.tsx";
import { choosePreset } from "./presets.tsx";

const FRESH: Preset = {
  name: "", built_in: false, target_lufs: -14, ceiling_dbtp: -1, max_limiting_db: 3, tolerance_lu: 0.3,
  renditions: [spec("wav", "wav"), spec("mp3-320", "mp3", { bitrate_bps: 320_000 })],
};

const open = signal<Preset | null>(null);

export const makePreset = (): void => void (open.value = FRESH);
export const editPreset = (preset: Preset): void => void (open.value = preset);

function read(form: HTMLFormElement, preset: Preset): Preset {
  const given = new FormData(form);
  const number = (name: string): number => Number(String(given.get(name)).replace(",", "."));
  const wanted = given.getAll("rendition").map(String);
  return {
    name: preset.name || String(given.get("name")).trim(),
    built_in: false,
    target_lufs: given.get("level") === "on" ? number("target_lufs") : null,
    ceiling_dbtp: number("ceiling_dbtp"),
    max_limiting_db: number("max_limiting_db"),
    tolerance_lu: preset.tolerance_lu,
    renditions: chosen(preset, wanted),
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
  const has = ({ name }: RenditionSpec): boolean => preset.renditions.some((other) => other.name === name);
  const remove = (): void => {
    close();
    ask({
      title: t("own.deleteTitle", { preset: preset.name }),
      lead: t("own.deleteLead"),
      confirm: t("delete.confirm"),
      keep: t("delete.keep"),
      onConfirm: () => void finish(() => deletePreset(preset.name), t("own.deleted")),
    });
  };
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
            <button type="button" class="button danger-button own-delete" onClick={remove}>
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
