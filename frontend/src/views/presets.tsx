/** The choice of where the music will play: a radio group, each with its target. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { target } from "../format.ts";
import { t, tOr } from "../i18n.ts";
import { keep, recall } from "../memory.ts";
import { session } from "../session.ts";
import { specName } from "../offers.ts";
import type { Preset } from "../types.ts";
import { Icon } from "./icons.tsx";
import { editPreset, makePreset } from "./own.tsx";

/** Ours have a sentence about them; one of somebody's own is called what they call it. */
export const presetName = (name: string): string => (tOr(`preset.${name}.about`, "") ? tOr(`preset.${name}`, name) : name);

/** "−14 LUFS", or that the level is left alone. */
export const presetTarget = ({ target_lufs }: Pick<Preset, "target_lufs">): string =>
  target_lufs === null ? t("preset.untouched") : t("preset.target", { lufs: target(target_lufs) });

const KEPT = "sarau.preset";
const chosen = signal<string | null>(recall(KEPT));

/** The preset for the next files: the one chosen last, if the server still has it. */
export function currentPreset(): string {
  const known = session.value;
  if (!known) return "";
  return known.presets.find(({ name }) => name === chosen.value)?.name ?? known.default_preset;
}

export function choosePreset(name: string): void {
  chosen.value = name;
  keep(KEPT, name);
}

function Option({ preset }: { preset: Preset }): JSX.Element {
  const about = preset.built_in ? tOr(`preset.${preset.name}.about`, "") : preset.renditions.map(specName).join(", ");
  const choice = (
    <label class="preset">
      <input
        type="radio"
        name="preset"
        value={preset.name}
        checked={currentPreset() === preset.name}
        onChange={() => choosePreset(preset.name)}
      />
      <span class="preset-name">{presetName(preset.name)}</span>
      <span class="preset-about">{about}</span>
      <span class="preset-target">{presetTarget(preset)}</span>
    </label>
  );
  if (preset.built_in) return choice;
  return (
    <div class="preset-row">
      {choice}
      <button type="button" class="preset-edit" aria-label={t("own.edit", { preset: preset.name })} onClick={() => editPreset(preset)}>
        <Icon name="pencil" size={16} />
      </button>
    </div>
  );
}

export function Presets(): JSX.Element {
  return (
    <fieldset class="presets">
      <legend>{t("preset.legend")}</legend>
      <button type="button" class="preset-new" onClick={makePreset}>{t("own.new")}</button>
      <div class="presets-options">
        {session.value?.presets.map((preset) => <Option key={preset.name} preset={preset} />)}
      </div>
    </fieldset>
  );
}
