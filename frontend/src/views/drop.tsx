/** The whole window takes drops; while something is held over it, each preset is a place to let go. */
import { signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { t, tOr } from "../i18n.ts";
import { takeDrop } from "../intake.ts";
import { session } from "../session.ts";
import { currentPreset, presetName, presetTarget } from "./presets.tsx";

const held = signal(false);
const over = signal<string | null>(null);

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

function presetAt(target: EventTarget | null): string | null {
  const place = target instanceof Element ? target.closest<HTMLElement>("[data-drop-preset]") : null;
  return place?.dataset["dropPreset"] ?? null;
}

function watchDrags(): () => void {
  const stop = new AbortController();
  const on = (kind: "dragenter" | "dragover" | "dragleave" | "drop", act: (event: DragEvent) => void): void =>
    addEventListener(kind, (event) => carriesFiles(event) && act(event), { signal: stop.signal });
  on("dragenter", (event) => {
    event.preventDefault();
    held.value = true;
  });
  on("dragover", (event) => {
    event.preventDefault();
    held.value = true;
    over.value = presetAt(event.target);
  });
  on("dragleave", (event) => {
    // Only leaving the window has nothing that is entered instead.
    if (event.relatedTarget === null) held.value = false;
  });
  on("drop", (event) => {
    event.preventDefault();
    held.value = false;
    const letGo = presetAt(event.target);
    if (event.dataTransfer) void takeDrop(event.dataTransfer, () => letGo ?? currentPreset());
  });
  return () => stop.abort();
}

export function DropOverlay(): JSX.Element | null {
  useEffect(watchDrags, []);
  if (!held.value || !session.value) return null;
  const chosen = over.value ?? currentPreset();
  return (
    <div class="drop" aria-hidden="true">
      <div class="drop-frame">
        <p class="drop-title">{t("drop.title")}</p>
        <p class="drop-lead">{t("drop.lead", { preset: presetName(currentPreset()) })}</p>
        <div class="drop-presets">
          {session.value.presets.map((preset) => (
            <div key={preset.name} class={preset.name === chosen ? "drop-preset on" : "drop-preset"} data-drop-preset={preset.name}>
              <strong>{presetName(preset.name)}</strong>
              <span>{tOr(`preset.${preset.name}.about`, "")}</span>
              <b>{presetTarget(preset)}</b>
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}
