/** From a drop or a choice to the queue, with a word on what was left out. */
import { plural, t } from "./i18n.ts";
import { session } from "./session.ts";
import { toast } from "./toasts.ts";
import { fromDrop, fromInput, type Gathered } from "./uploads/files.ts";
import { enqueue } from "./uploads/queue.ts";

function take({ picked, leftOut, unreadable }: Gathered, preset: string): void {
  const limits = session.peek()?.limits;
  if (!limits) return;
  if (unreadable) toast(t("uploads.noFolder"), "bad");
  if (picked.length > 0) {
    enqueue(picked, preset, limits);
    if (leftOut > 0) toast(plural("uploads.leftOut", leftOut));
  } else if (!unreadable) {
    toast(t("uploads.nothing"), "bad");
  }
}

export async function takeDrop(transfer: DataTransfer, preset: string): Promise<void> {
  take(await fromDrop(transfer), preset);
}

export function takeInput(input: HTMLInputElement, preset: string): void {
  if (input.files && input.files.length > 0) take(fromInput(input.files), preset);
  input.value = ""; // The same file can be chosen again.
}
