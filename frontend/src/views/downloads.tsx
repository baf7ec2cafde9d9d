/** Everything a ready track can be taken home as. */
import type { JSX } from "preact";
import { archiveUrl } from "../api.ts";
import { bytes, kilobits } from "../format.ts";
import { t } from "../i18n.ts";
import type { Rendition, Track } from "../types.ts";
import { Icon } from "./icons.tsx";
import { Menu } from "./menu.tsx";

export const renditionName = (rendition: Pick<Rendition, "name">): string =>
  rendition.name === "opus" ? "Opus" : rendition.name.toUpperCase();

export const downloadUrl = (rendition: Rendition): string => `${rendition.url}?download=1`;

export function DownloadMenu({ track }: { track: Track }): JSX.Element {
  const face = (
    <>
      <Icon name="download" size={18} /> <span class="wide-only">{t("track.download")}</span>
    </>
  );
  return (
    <Menu label={t("track.downloadOf", { title: track.title })} face={face}>
      {track.renditions.map((rendition) => (
        <a key={rendition.name} href={downloadUrl(rendition)} download="">
          <b>{renditionName(rendition)}</b>
          <span>
            {rendition.bitrate_bps ? `${kilobits(rendition.bitrate_bps)} · ` : ""}
            {bytes(rendition.size_bytes)}
          </span>
        </a>
      ))}
      {track.source && (
        <a href={track.source.url} download={track.filename}>
          <b>{t("track.downloadSource")}</b>
          <span>{bytes(track.source.size_bytes)}</span>
        </a>
      )}
      <a class="menu-all" href={archiveUrl(track.id)} download="">
        <b>{t("track.downloadAll")}</b>
      </a>
    </Menu>
  );
}
