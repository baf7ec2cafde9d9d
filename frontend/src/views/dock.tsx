/** The player at the foot of the window: what plays, where, and which version of it. */
import type { JSX } from "preact";
import { clock } from "../format.ts";
import { t } from "../i18n.ts";
import * as player from "../player/player.ts";
import { renditionName } from "./downloads.tsx";
import { Icon } from "./icons.tsx";
import { Wave } from "./wave.tsx";

function Versions(): JSX.Element {
  const chosen = player.version.value?.name;
  return (
    <fieldset class="versions">
      <legend class="visually-hidden">{t("player.version")}</legend>
      {player.versions.value.map(({ name }) => (
        <label key={name}>
          <input type="radio" name="version" value={name} checked={name === chosen} onChange={() => player.choose(name)} />
          <span>{name === player.SOURCE ? t("player.original") : renditionName({ name })}</span>
        </label>
      ))}
    </fieldset>
  );
}

function Match(): JSX.Element {
  return (
    <label class="match" title={t("player.match.about")}>
      <input
        type="checkbox"
        role="switch"
        checked={player.matching.value}
        onChange={(event) => player.setMatching(event.currentTarget.checked)}
      />
      <span>{t("player.match")}</span>
    </label>
  );
}

export function Dock(): JSX.Element | null {
  const track = player.current.value;
  if (!track) return null;
  const playing = player.playing.value;
  return (
    <section class="dock" aria-label={t("player.region")}>
      <div class="dock-inner">
        <button type="button" class="play-button big" aria-label={t(playing ? "player.pause" : "player.play")} onClick={() => player.toggle()}>
          <Icon name={playing ? "pause" : "play"} size={26} />
        </button>
        <div class="dock-name">
          <b>{track.title}</b>
          <span>{track.artist}</span>
        </div>
        <div class="dock-wave">
          <span class="time">{clock(player.position_s.value)}</span>
          <Wave track={track} />
          <span class="time">{clock(player.duration_s.value)}</span>
        </div>
        <div class="dock-choice">
          <Versions />
          <Match />
        </div>
        <button type="button" class="icon-button dock-close" aria-label={t("player.close")} onClick={player.close}>
          <Icon name="close" />
        </button>
      </div>
    </section>
  );
}
