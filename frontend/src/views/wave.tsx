/** A waveform that is also the slider of its track. */
import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { WaveformFile } from "../api.ts";
import { clock } from "../format.ts";
import { t } from "../i18n.ts";
import { current, duration_s, play, position_s, seek, toggle } from "../player/player.ts";
import { paint, waveformOf, type Ink } from "../player/waveform.ts";
import { toastError } from "../toasts.ts";
import type { Track } from "../types.ts";

const STEP_S = 5;
const LEAP_S = 30;

function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  const read = (name: string): string => style.getPropertyValue(name).trim();
  return { played: read("--wave-played"), rest: read("--wave-rest"), head: read("--wave-head") };
}

/** Repaint when the position, the size or the colours change. */
function keepPainted(canvas: HTMLCanvasElement, track: string, file: WaveformFile | null): () => void {
  const draw = (): void => {
    const mine = current.peek()?.id === track;
    const share = mine && duration_s.peek() > 0 ? position_s.peek() / duration_s.peek() : 0;
    paint(canvas, file, share, inkOf(canvas));
  };
  const stopFollowing = effect(() => {
    void [position_s.value, duration_s.value, current.value];
    draw();
  });
  const sizes = new ResizeObserver(draw);
  sizes.observe(canvas);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", draw);
  return () => {
    stopFollowing();
    sizes.disconnect();
    dark.removeEventListener("change", draw);
  };
}

export function Wave({ track }: { track: Track }): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [file, setFile] = useState<WaveformFile | null>(null);

  useEffect(() => {
    let mine = true;
    setFile(null);
    waveformOf(track.id).then((loaded) => mine && setFile(loaded), toastError);
    return () => void (mine = false);
  }, [track.id]);
  useEffect(() => (canvas.current ? keepPainted(canvas.current, track.id, file) : undefined), [track.id, file]);

  const active = current.value?.id === track.id;
  const total = active && duration_s.value > 0 ? duration_s.value : (track.source?.duration_s ?? 0);
  const at = active ? position_s.value : 0;

  const seekTo = (to_s: number): void => {
    if (!active) play(track);
    seek(to_s);
  };
  const onPointer = (event: PointerEvent): void => {
    const element = event.currentTarget as HTMLElement;
    if (event.type === "pointerdown") element.setPointerCapture(event.pointerId);
    else if (!element.hasPointerCapture(event.pointerId)) return;
    const box = element.getBoundingClientRect();
    seekTo(((event.clientX - box.left) / box.width) * total);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const moves: Record<string, number> = { ArrowRight: at + STEP_S, ArrowUp: at + STEP_S, ArrowLeft: at - STEP_S, ArrowDown: at - STEP_S, PageUp: at + LEAP_S, PageDown: at - LEAP_S, Home: 0, End: total };
    const to = moves[event.key];
    if (event.key === " ") toggle(track);
    else if (to !== undefined) seekTo(to);
    else return;
    event.preventDefault();
  };

  return (
    <div
      class="wave"
      role="slider"
      tabIndex={0}
      aria-label={t("player.seek", { title: track.title })}
      aria-valuemin={0}
      aria-valuemax={Math.round(total)}
      aria-valuenow={Math.round(at)}
      aria-valuetext={t("player.position", { at: clock(at), total: clock(total) })}
      onPointerDown={onPointer}
      onPointerMove={onPointer}
      onKeyDown={onKeyDown}
    >
      <canvas ref={canvas} aria-hidden="true" />
    </div>
  );
}
