/** A preset of one's own: made, changed and deleted in one dialog. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { ApiError, createPreset, changePreset, deletePreset, getPresets } from "../api.ts";
import { t } from "../i18n.ts";
import { session } from "../session.ts";
import { toast, toastError } from "../toasts.ts";
import { choices, chosen, spec, specName } from "../offers.ts";
import type { Preset, RenditionSpec } from "../types.ts";
import { ask } from "./dialog.tsx";
import { useModal } from "./modal.ts";
import { choosePreset } from "./presets.tsx";

const FRESH: Preset = {
  name: "", built_in: false, target_lufs: -14, ceiling_dbtp: -1, max_limiting_db: 3, tolerance_lu: 0.3,
  renditions: [spec("wav", "wav"), spec("mp3-320", "mp3", { bitrate_bps: 320_000 })],
};

/** The rule of model/own_preset.py: it stands in addresses, and may be the name of a folder. */
const NAME = String.raw` *[\p{L}\p{N}_](?:[\p{L}\p{N}_ .\-]{0,62}[\p{L}\p{N}_])? *`;

interface Problem {
  text: string;
  /** Which value it was, where the server says so. */
  detail: string | null;
}

const open = signal<Preset | null>(null);
/** Said in the dialog: a notice would lie under its backdrop. */
const problem = signal<Problem | null>(null);

function show(preset: Preset): void {
  problem.value = null;
  open.value = preset;
}

export const makePreset = (): void => show(FRESH);
export const editPreset = (preset: Preset): void => show(preset);

const problemOf = (error: unknown): Problem => ({
  text: error instanceof Error ? error.message : String(error),
  detail: error instanceof ApiError ? error.detail : null,
});

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
  const preset = open.value;
  const dialog = useModal(preset !== null);
  if (!preset) return null;
  const close = (): void => dialog.current?.close();
  const save = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const wanted = read(event.currentTarget as HTMLFormElement, preset);
    if (wanted.renditions.length === 0) {
      problem.value = { text: t("own.noFormat"), detail: null };
      return;
    }
    try {
      problem.value = null;
      await (preset.name ? changePreset(wanted) : createPreset(wanted));
      choosePreset(wanted.name);
      await refresh();
      close();
      toast(t("toast.saved"), "good");
    } catch (error) {
      problem.value = problemOf(error);
    }
  };
  const has = ({ name }: RenditionSpec): boolean => preset.renditions.some((other) => other.name === name);
  const remove = async (): Promise<void> => {
    try {
      await deletePreset(preset.name);
      await refresh();
      toast(t("own.deleted"), "good");
    } catch (error) {
      toastError(error);
    }
  };
  const askToRemove = (): void => {
    close();
    ask({
      title: t("own.deleteTitle", { preset: preset.name }),
      lead: t("own.deleteLead"),
      confirm: t("delete.confirm"),
      keep: t("delete.keep"),
      onConfirm: () => void remove(),
    });
  };
  return (
    <dialog ref={dialog} class="dialog own" aria-labelledby="own-title" onClose={() => (open.value = null)}>
      <h2 id="own-title">{preset.name || t("own.title")}</h2>
      <form onSubmit={(event) => void save(event)}>
        {!preset.name && (
          <label class="own-field">{t("own.name")} <input name="name" required maxLength={64} pattern={NAME} title={t("own.nameRule")} autocomplete="off" autofocus /></label>
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
        <p class="problem" role="alert">
          {problem.value?.text}
          {problem.value?.detail && <code lang="en">{problem.value.detail}</code>}
        </p>
        <div class="dialog-actions">
          {preset.name && (
            <button type="button" class="button danger-button own-delete" onClick={askToRemove}>
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
