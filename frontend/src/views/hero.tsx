/** The invitation: what happens here, the two choosers, and where the music will play. */
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import { bytes } from "../format.ts";
import { LANGUAGES, language, switchLanguage, t } from "../i18n.ts";
import { takeInput } from "../intake.ts";
import { session } from "../session.ts";
import { hasAny } from "../tracks.ts";
import { Garland } from "./garland.tsx";
import { Icon, Mark } from "./icons.tsx";
import { currentPreset, Presets } from "./presets.tsx";

export const FILE_INPUT_ID = "file-input";

function Choosers(): JSX.Element {
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const take = (event: Event): void => takeInput(event.currentTarget as HTMLInputElement, currentPreset);
  return (
    <div class="choosers">
      <button type="button" class="button lamp-button" onClick={() => files.current?.click()}>
        <Icon name="files" /> {t("hero.files")}
      </button>
      <button type="button" class="button ghost-button" onClick={() => folder.current?.click()}>
        <Icon name="folder" /> {t("hero.folder")}
      </button>
      <input ref={files} id={FILE_INPUT_ID} type="file" multiple hidden onChange={take} />
      <input ref={folder} id="folder-input" type="file" multiple hidden onChange={take} {...{ webkitdirectory: true }} />
    </div>
  );
}

function Languages(): JSX.Element {
  return (
    <div class="languages" role="group" aria-label={t("app.language")}>
      {LANGUAGES.map(({ code, name }) => (
        <button key={code} type="button" lang={code} aria-pressed={language.value === code} onClick={() => switchLanguage(code)}>
          {name}
        </button>
      ))}
    </div>
  );
}

export function Hero(): JSX.Element {
  const limits = session.value?.limits;
  const inviting = !hasAny.value;
  return (
    <header class={inviting ? "hero inviting" : "hero"}>
      <Garland />
      <div class="hero-bar">
        <a class="brand" href="/">
          <Mark /> <span>Sarau</span>
        </a>
        <Languages />
      </div>
      <div class="hero-body">
        <div class="hero-words">
          <h1>{t("hero.title")}</h1>
          <p class="hero-lead">{t("hero.lead")}</p>
          <Choosers />
          {limits && <p class="hero-limit">{t("hero.limit", { size: bytes(limits.max_upload_bytes) })}</p>}
        </div>
        <Presets />
      </div>
    </header>
  );
}
